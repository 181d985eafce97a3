"""Features: what all environments of an application share."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from fh.contracts.published import PublishAction
from fh.db.port import Transaction
from fh.http.table import parse_uuid
from fh.model.feature_type import FeatureType
from fh.model.ids import ApplicationId, FeatureFilterId
from fh.mr.access import (
    ApplicationRights,
    Caller,
    may_create_features,
    may_edit_features,
)
from fh.mr.errors import (
    AlreadyExists,
    DuplicateItems,
    Forbidden,
    Invalid,
    NotFound,
)
from fh.mr.outbox import announce
from fh.mr.repositories import features as repository
from fh.mr.repositories.applications import lock_application
from fh.mr.repositories.environments import bump_environments, find_environments
from fh.mr.repositories.feature_filters import hold_filters
from fh.mr.repositories.features import Feature, FeatureText
from fh.mr.repositories.filter_labels import (
    find_feature_filters,
    label_features,
    set_feature_filters,
)
from fh.mr.repositories.publishing import (
    load_deleted_features,
    load_features_everywhere,
)
from fh.mr.services.rights import application_rights, reader_rights
from fh.mr.versions import check_version

# Browsers and most clients resolve them before they send a path, however it is encoded, so to
# delete the feature ".." is to delete its application. Source: the URL standard, path state.
_STEPS: Final = frozenset({".", ".."})


@dataclass(frozen=True, slots=True)
class FeatureChange:
    """What a client wants a feature to be.

    A `link`, `description`, `meta_data` or `filters` of None leaves it as it is; no `alias`
    clears it.
    """

    text: FeatureText
    value_type: FeatureType | None
    version: int | None
    filters: Sequence[FeatureFilterId] | None = None


@dataclass(frozen=True, slots=True)
class NewFeature:
    """A feature to be; filters that are not the portfolio's are left out."""

    text: FeatureText
    value_type: FeatureType
    filters: Sequence[FeatureFilterId] = ()


async def load_features(
    tx: Transaction, caller: Caller, application_id: ApplicationId
) -> Sequence[Feature]:
    """Return an application's features by key.

    Raises:
        NotFound: there is no such application.
        Forbidden: the caller may not read its features.
    """
    await reader_rights(tx, caller, application_id)
    return await repository.find_features(tx, [application_id])


async def load_feature(
    tx: Transaction, caller: Caller, application_id: ApplicationId, key: str
) -> Feature:
    """Return a feature by its key or its identifier.

    Raises:
        NotFound: there is no such application or feature.
        Forbidden: the caller may not read the application's features.
    """
    await reader_rights(tx, caller, application_id)
    return await _feature(tx, application_id, key)


async def load_filters(tx: Transaction, feature: Feature) -> Sequence[FeatureFilterId]:
    """Return the filters of a feature that the caller may read."""
    return await find_feature_filters(tx, feature.id)


async def create_feature(
    tx: Transaction, caller: Caller, application_id: ApplicationId, new: NewFeature
) -> Sequence[Feature]:
    """Create a feature; return all features of the application by key.

    Raises:
        FeatureHubError: as `create_features`.
    """
    await create_features(tx, caller, application_id, [new])
    return await repository.find_features(tx, [application_id])


async def create_features(
    tx: Transaction, caller: Caller, application_id: ApplicationId, new: Sequence[NewFeature]
) -> Sequence[Feature]:
    """Create features, those that are switches locked and off everywhere; return them in order.

    Raises:
        NotFound: there is no such application.
        Forbidden: the caller may not create features there.
        AlreadyExists: the application has a feature of one of the keys.
        DuplicateItems: two of them have one key.
        Invalid: a key or a name is blank, or a key is a step in a path.
    """
    rights = await application_rights(tx, caller, application_id)
    if not may_create_features(caller, rights):
        raise Forbidden
    if not new:
        return []
    for one in new:
        _check_text(one.text)
    keys = [one.text.key for one in new]
    if len(set(keys)) < len(keys):
        raise DuplicateItems("key")
    held = await _hold(tx, rights, {each for one in new for each in one.filters})
    await _lock(tx, application_id)
    if taken := await repository.find_taken_keys(tx, application_id, keys):
        raise AlreadyExists(f"feature: {taken[0]}", "key")
    created = await repository.insert_features(
        tx, application_id, [one.text for one in new], [one.value_type for one in new]
    )
    await label_features(
        tx,
        (
            (feature.id, each)
            for feature, one in zip(created, new, strict=True)
            for each in held.intersection(one.filters)
        ),
    )
    ids = [feature.id for feature in created]
    await bump_environments(tx, application_id)
    environments = [found.id for found in await find_environments(tx, [application_id])]
    await repository.insert_switches(tx, ids, environments, caller.person_id)
    await announce(tx, *await load_features_everywhere(tx, ids, PublishAction.CREATE))
    return created


async def update_feature(
    tx: Transaction, caller: Caller, application_id: ApplicationId, key: str, change: FeatureChange
) -> Sequence[Feature]:
    """Change a feature, perhaps its key; return all features.

    It is announced once, with everything that changed: upstream's second announcement after a
    new key would say the same again.

    Raises:
        NotFound: there is no such application or feature.
        Forbidden: the caller may not edit features there.
        VersionConflict: somebody changed it, or the version is missing.
        AlreadyExists: another feature has the new key.
        Invalid: key or name is blank, the key is a step in a path, or values stand in the way of
            another type.
    """
    rights = await application_rights(tx, caller, application_id)
    if not may_edit_features(caller, rights):
        raise Forbidden
    _check_text(change.text)
    held = await _hold(tx, rights, change.filters or ())
    await _lock(tx, application_id)
    # Found by what it shall be called from now on, a feature is called that already: an identifier
    # there would become its key.
    if change.text.key == key:
        feature = _there(await repository.find_feature(tx, application_id, key))
    else:
        feature = await _feature(tx, application_id, key)
    check_version(f"feature {feature.text.key}", change.version, feature.version)
    text = _changed_text(feature.text, change.text)
    value_type = change.value_type or feature.value_type
    if value_type is not feature.value_type:
        await repository.lock_feature(tx, feature.id)  # or its first value might be on its way
        if await repository.feature_has_values(tx, feature.id):
            raise Invalid("valueType", "A feature that has values keeps its type.")
    labelled = change.filters is not None and await _label(tx, feature, held)
    if text == feature.text and value_type is feature.value_type and not labelled:
        return await repository.find_features(tx, [application_id])
    await repository.save_feature(tx, feature.id, text, value_type)
    if text.key != feature.text.key:
        await bump_environments(tx, application_id)
    if value_type is not feature.value_type:
        environments = [found.id for found in await find_environments(tx, [application_id])]
        await repository.insert_switches(tx, [feature.id], environments, caller.person_id)
    features = await repository.find_features(tx, [application_id])
    await announce(tx, *await load_features_everywhere(tx, [feature.id]))
    return features


async def delete_feature(
    tx: Transaction, caller: Caller, application_id: ApplicationId, key: str
) -> Sequence[Feature]:
    """Archive a feature, found by its key or its identifier; return those that remain.

    Raises:
        NotFound: there is no such application or feature.
        Forbidden: the caller may not delete features there.
    """
    rights = await application_rights(tx, caller, application_id)
    if not may_edit_features(caller, rights):
        raise Forbidden
    await _lock(tx, application_id)
    feature = await _feature(tx, application_id, key)
    await repository.archive_feature(tx, feature, datetime.now(UTC))
    await bump_environments(tx, application_id)
    features = await repository.find_features(tx, [application_id])
    await announce(tx, *await load_deleted_features(tx, feature.id, feature.text.key))
    return features


async def _lock(tx: Transaction, application_id: ApplicationId) -> None:
    if await lock_application(tx, application_id) is None:
        raise NotFound("application")


async def _hold(
    tx: Transaction, rights: ApplicationRights, filters: Collection[FeatureFilterId]
) -> set[FeatureFilterId]:
    """Return those of the filters that are the portfolio's; they stay until we are done."""
    held = await hold_filters(tx, filters)
    return {one for one, portfolio in held.items() if portfolio == rights.portfolio_id}


async def _label(tx: Transaction, feature: Feature, held: Collection[FeatureFilterId]) -> bool:
    """Have a feature carry these filters; return whether that is new."""
    if sorted(held) == sorted(await find_feature_filters(tx, feature.id)):
        return False
    await set_feature_filters(tx, feature.id, held)
    return True


async def _feature(tx: Transaction, application_id: ApplicationId, key: str) -> Feature:
    return _there(await repository.find_feature(tx, application_id, key, parse_uuid(key)))


def _there(found: Feature | None) -> Feature:
    if found is None:
        raise NotFound("feature")
    return found


def _check_text(text: FeatureText) -> None:
    if not text.key.strip():
        raise Invalid("key", "A feature needs a key.")
    if text.key in _STEPS:
        raise Invalid("key", "Clients take this for a step in the path.")
    if not text.name.strip():
        raise Invalid("name", "A feature needs a name.")


def _changed_text(current: FeatureText, wanted: FeatureText) -> FeatureText:
    return replace(
        wanted,
        link=current.link if wanted.link is None else wanted.link,
        description=current.description if wanted.description is None else wanted.description,
        meta_data=current.meta_data if wanted.meta_data is None else wanted.meta_data,
    )

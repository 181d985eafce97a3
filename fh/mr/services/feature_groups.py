"""Feature groups: one strategy and a value for each member, in one environment."""

from collections.abc import Sequence

from fh.db.port import Transaction
from fh.model.feature_type import FeatureType
from fh.model.ids import ApplicationId, EnvironmentId, FeatureGroupId, FeatureId
from fh.mr.access import (
    ApplicationRights,
    Caller,
    effective_roles,
    may_change_value,
    may_read_values,
)
from fh.mr.errors import Archived, Forbidden, Invalid, NotFound, OrderTaken
from fh.mr.feature_group import (
    GroupChange,
    GroupFilter,
    NewGroup,
    checked_name,
    checked_strategies,
    stored_members,
)
from fh.mr.group_changes import affected_features, same_content
from fh.mr.outbox import announce
from fh.mr.repositories import feature_groups as repository
from fh.mr.repositories.applications import lock_application
from fh.mr.repositories.environments import Environment, find_environments
from fh.mr.repositories.feature_groups import (
    FeatureGroup,
    GroupContent,
    GroupFeature,
    GroupPage,
)
from fh.mr.repositories.publishing import load_published_values
from fh.mr.repositories.value_versions import (
    hold_features,
    insert_first_values,
    lock_values,
    save_next_versions,
)
from fh.mr.services.rights import reader_rights
from fh.mr.versions import check_version


async def list_groups(
    tx: Transaction, caller: Caller, application_id: ApplicationId, wanted: GroupFilter
) -> tuple[int, Sequence[FeatureGroup]]:
    """Return how many groups match and one page of them, in environments where one has a role.

    Raises:
        NotFound: there is no such application.
        Forbidden: the caller may not read its features.
    """
    rights = await reader_rights(tx, caller, application_id)
    visible = [
        one.id
        for one in await find_environments(tx, [application_id])
        if effective_roles(caller, rights, one.id).environment
        and wanted.environment_id in (None, one.id)
    ]
    page = GroupPage(visible, wanted.name_part, wanted.descending, wanted.size, wanted.offset)
    return await repository.find_groups(tx, page)


async def load_group(
    tx: Transaction, caller: Caller, application_id: ApplicationId, group_id: FeatureGroupId
) -> FeatureGroup:
    """Return one group, to those who may read values where it is: it shows some.

    Raises:
        NotFound: there is no such application or group, or none that the caller may read.
        Forbidden: the caller may not read the application's features.
    """
    rights = await reader_rights(tx, caller, application_id)
    group = await _group(tx, application_id, group_id)
    if not may_read_values(effective_roles(caller, rights, group.environment_id)):
        raise NotFound("feature group")
    return group


async def load_group_features(
    tx: Transaction, caller: Caller, application_id: ApplicationId, environment_id: EnvironmentId
) -> Sequence[GroupFeature]:
    """Return the features that a group in the environment could have, and which are locked there.

    Raises:
        NotFound: there is no such application or environment, or the caller may not read there.
        Forbidden: the caller may not read the application's features.
    """
    rights = await reader_rights(tx, caller, application_id)
    await _environment(tx, application_id, environment_id)
    if not may_read_values(effective_roles(caller, rights, environment_id)):
        raise NotFound("environment")
    return await repository.find_group_features(tx, application_id, environment_id)


async def create_group(
    tx: Transaction, caller: Caller, application_id: ApplicationId, new: NewGroup
) -> FeatureGroup:
    """Create a group behind the others; with a strategy all members are announced.

    Raises:
        NotFound: there is no such application, environment or feature.
        Forbidden: the caller may not change values in the environment.
        AlreadyExists: the environment has a group of that name, whatever its case.
        Invalid: the name is blank, a value is of another type, or a feature is named twice.
        StrategiesRefused: the strategy breaks the rules.
    """
    rights = await reader_rights(tx, caller, application_id)
    await _lock(tx, application_id)
    environment = await _environment(tx, application_id, new.environment_id)
    _check_may_change(caller, rights, environment.id)
    types = await _hold(tx, application_id, [one.feature_id for one in new.members])
    content = GroupContent(
        name=checked_name(new.name),
        description=new.description,
        position=await repository.next_position(tx, environment.id),
        strategies=checked_strategies(new.strategies),
        members=stored_members(new.members, types),
    )
    created = await repository.insert_group(tx, environment.id, content, caller.person_id)
    affected = list(content.members) if content.strategies else []
    await _republish(tx, caller, environment.id, content, affected)
    return await _group(tx, application_id, created)


async def update_group(
    tx: Transaction, caller: Caller, application_id: ApplicationId, change: GroupChange
) -> FeatureGroup:
    """Change a group; the members that see something of that are announced.

    Raises:
        NotFound: there is no such application, group or feature.
        Forbidden: the caller may not change values in the environment.
        Archived: the environment is gone.
        VersionConflict: somebody changed it.
        OrderTaken: another group of the environment has this position, or had it.
        AlreadyExists: another one of the environment has that name, whatever its case.
        Invalid: the name is blank, a value is of another type, or a feature is named twice.
        StrategiesRefused: the strategy breaks the rules.
    """
    rights = await reader_rights(tx, caller, application_id)
    await _lock(tx, application_id)
    group = await _group(tx, application_id, change.group_id)
    _check_may_change(caller, rights, group.environment_id)
    if group.environment_is_archived:
        raise Archived("environment")
    check_version("feature group", change.version, group.version)
    if change.position is not None and await repository.position_is_taken(
        tx, group, change.position
    ):
        raise OrderTaken
    before = GroupContent(
        group.name,
        group.description,
        group.position,
        group.strategies,
        {member.id: member.value for member in group.members},
    )
    sent = change.members
    named = [one.feature_id for one in sent or ()]
    types = await _hold(tx, application_id, named)
    types |= {member.id: member.value_type for member in group.members}
    after = GroupContent(
        name=before.name if change.name is None else checked_name(change.name),
        description=before.description if change.description is None else change.description,
        position=before.position if change.position is None else change.position,
        strategies=(
            before.strategies
            if change.strategies is None
            else checked_strategies(change.strategies)
        ),
        members=before.members if sent is None else stored_members(sent, types),
    )
    if same_content(before, after, types):
        return group
    await repository.save_group(tx, group.id, after, caller.person_id)
    affected = affected_features(before, after, types)
    await _republish(tx, caller, group.environment_id, after, sorted(affected))
    return await _group(tx, application_id, group.id)


async def delete_group(
    tx: Transaction, caller: Caller, application_id: ApplicationId, group_id: FeatureGroupId
) -> None:
    """Archive a group; if it had a strategy, all members are announced.

    Raises:
        NotFound: there is no such application or group.
        Forbidden: the caller may not change values in the environment.
    """
    rights = await reader_rights(tx, caller, application_id)
    await _lock(tx, application_id)
    group = await _group(tx, application_id, group_id)
    _check_may_change(caller, rights, group.environment_id)
    await repository.archive_group(tx, group_id, caller.person_id)
    if group.strategies:
        members = [member.id for member in group.members]
        values = await lock_values(tx, group.environment_id, members)
        await save_next_versions(tx, values, caller.person_id)
        await announce(tx, *await load_published_values(tx, [value.place for value in values]))


async def _republish(
    tx: Transaction,
    caller: Caller,
    environment_id: EnvironmentId,
    content: GroupContent,
    affected: Sequence[FeatureId],
) -> None:
    """Give members without a value their first, the other affected ones their next; tell both."""
    author = caller.person_id
    # Those that are there before those that are not, as by whoever else writes several.
    await lock_values(tx, environment_id, [*affected, *content.members])
    first = await insert_first_values(tx, environment_id, list(content.members), author)
    # Again, as others may have been given their first value meanwhile.
    values = await lock_values(tx, environment_id, [*affected, *first])
    await save_next_versions(
        tx, [value for value in values if value.feature_id not in first], author
    )
    await announce(tx, *await load_published_values(tx, [value.place for value in values]))


async def _lock(tx: Transaction, application_id: ApplicationId) -> None:
    if await lock_application(tx, application_id) is None:
        raise NotFound("application")


async def _environment(
    tx: Transaction, application_id: ApplicationId, environment_id: EnvironmentId
) -> Environment:
    for environment in await find_environments(tx, [application_id]):
        if environment.id == environment_id:
            return environment
    raise NotFound("environment")


async def _group(
    tx: Transaction, application_id: ApplicationId, group_id: FeatureGroupId
) -> FeatureGroup:
    group = await repository.find_group(tx, application_id, group_id)
    if group is None:
        raise NotFound("feature group")
    return group


async def _hold(
    tx: Transaction, application_id: ApplicationId, feature_ids: Sequence[FeatureId]
) -> dict[FeatureId, FeatureType]:
    if len(set(feature_ids)) < len(feature_ids):
        raise Invalid("features", "A feature is named twice.")
    types = await hold_features(tx, application_id, feature_ids)
    if len(types) < len(feature_ids):
        raise NotFound("feature")
    return types


def _check_may_change(
    caller: Caller, rights: ApplicationRights, environment_id: EnvironmentId
) -> None:
    if not may_change_value(effective_roles(caller, rights, environment_id)):
        raise Forbidden("You may not change values there.")

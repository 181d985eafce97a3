"""Test writes: what SDKs want changed, done in the name of their service account.

Edge has decided that the key may do this, and MR relies on it. The author is the account's SDK
person, who has each right that a test write can need. What became impossible meanwhile is still
refused: a value that somebody locked stays as it is.

Source: sections 4.7, 5.6.4 and 10.6 of the admin contract.
"""

from dataclasses import dataclass
from typing import Final, assert_never

import structlog

from fh.contracts.published import ABSENT, has_value
from fh.contracts.updates import StreamedFeatureUpdate
from fh.db.errors import TransactionConflict
from fh.db.port import Database, Transaction
from fh.errors import FeatureHubError, Unavailable
from fh.model.feature_type import FeatureType
from fh.model.roles import Role
from fh.mr.access import EffectiveRoles
from fh.mr.api_keys import may_be_secret
from fh.mr.errors import Invalid, NotFound, VersionConflict
from fh.mr.feature_merge import Changed, Rules, Setting, Unchanged, Wanted, created, merged
from fh.mr.outbox import announce
from fh.mr.repositories.features import hold_feature_by_key
from fh.mr.repositories.publishing import load_published_feature
from fh.mr.repositories.service_accounts import (
    find_account_by_secret,
    find_environments_of_portfolio,
)
from fh.mr.repositories.written_values import (
    NextVersion,
    insert_values,
    lock_values_at,
    save_versions,
)
from fh.mr.rollout_strategy import new_strategy_id
from fh.mr.values import stored_text

log = structlog.get_logger()

ATTEMPTS: Final = 10

_RIGHTS: Final = EffectiveRoles(
    environment=frozenset({Role.READ, Role.CHANGE_VALUE, Role.LOCK, Role.UNLOCK}),
    application=frozenset(),
)

_MEMBERS: Final = {
    FeatureType.BOOLEAN: "valueBoolean",
    FeatureType.STRING: "valueString",
    FeatureType.NUMBER: "valueNumber",
    FeatureType.JSON: "valueString",
}


@dataclass(frozen=True, slots=True)
class UpdateStatistics:
    """Counts since the start; `unchanged` had been done before, `dropped` never will be."""

    applied: int
    unchanged: int
    dropped: int


class DatabaseUpdates:
    """The port `FeatureUpdates` over the database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._applied = 0
        self._unchanged = 0
        self._dropped = 0

    async def submit(self, update: StreamedFeatureUpdate) -> None:
        """Make a change and return once it is committed; what can't be done any more is dropped.

        A change that is there already is not made again: no version, no announcement.

        Raises:
            Unavailable: the database is away, or others were in the way at every attempt. Nothing
                was done, or with `CommitUnknown` perhaps all of it; trying again is right for both.
        """
        try:
            changed = await self._apply(update)
        except Unavailable:
            raise
        except FeatureHubError as refusal:
            self._dropped += 1
            log.warning(
                "sdk_update_dropped",
                environment_id=str(update.environment_id),
                feature_key=update.feature_key,
                reason=str(refusal),
            )
            return
        if changed:
            self._applied += 1
        else:
            self._unchanged += 1

    def statistics(self) -> UpdateStatistics:
        """Return the counts of this moment."""
        return UpdateStatistics(self._applied, self._unchanged, self._dropped)

    async def _apply(self, update: StreamedFeatureUpdate) -> bool:
        conflict: FeatureHubError | None = None
        for _attempt in range(ATTEMPTS):
            try:
                return await self._database.transaction(lambda tx: apply_update(tx, update))
            except (VersionConflict, TransactionConflict) as raised:
                conflict = raised
        raise Unavailable("others were in the way at every attempt") from conflict


async def apply_update(tx: Transaction, update: StreamedFeatureUpdate) -> bool:
    """Make one change and announce it; return whether there was anything to change.

    Raises:
        NotFound: the account, the environment or the feature is gone.
        Locked: the value was locked, and the update does not unlock it.
        Invalid: the value is not of the feature's type.
        UnstorableValue: the database can't hold a text with NUL.
        VersionConflict: somebody else wrote the first value at the same time: start again.
    """
    account = None
    if may_be_secret(update.secret):
        account = await find_account_by_secret(tx, update.secret)
    if account is None:
        raise NotFound("service account")
    environment_id = update.environment_id
    # In its own portfolio, which is as far as any permission of an account can reach.
    environments = await find_environments_of_portfolio(tx, account.portfolio_id, [environment_id])
    if environment_id not in environments:
        raise NotFound("environment")
    feature = await hold_feature_by_key(tx, environments[environment_id], update.feature_key)
    if feature is None:
        raise NotFound("feature")
    author = account.sdk_person_id
    rules = Rules(feature.text.key, feature.value_type, _RIGHTS, new_strategy_id)
    place = environment_id, feature.id
    current = (await lock_values_at(tx, [place])).get(place)
    if current is None:
        setting = _first(update, rules)
        if setting is None:
            return False
        await insert_values(tx, {place: setting}, author)
    else:
        # With the row locked, what is changed is the newest: base and current are the same.
        base = current.setting
        match merged(base, base, _wanted(base, update, feature.value_type), rules):
            case Unchanged():
                return False
            case Changed(setting):
                await save_versions(tx, [NextVersion(current.id, setting, current.version)], author)
            case outcome:
                assert_never(outcome)
    await announce(tx, await load_published_feature(tx, environment_id, feature.id))
    return True


def _first(update: StreamedFeatureUpdate, rules: Rules) -> Setting | None:
    """Return the first version of a value, or None if the update leaves it as good as absent."""
    if not update.updating_value and not update.lock:
        return None
    # Edge took it for unlocked, as whatever has no value yet.
    nothing = Setting(_unset(rules.feature_type), locked=False)
    return created(_wanted(nothing, update, rules.feature_type), rules)


def _wanted(base: Setting, update: StreamedFeatureUpdate, feature_type: FeatureType) -> Wanted:
    """Return `base` with what `update` changes; no list of strategies leaves theirs alone."""
    return Wanted(
        value=_text(update, feature_type) if update.updating_value else base.value,
        locked=base.locked if update.lock is None else update.lock,
        retired=base.retired,
        strategies=None,
    )


def _text(update: StreamedFeatureUpdate, feature_type: FeatureType) -> str | None:
    """Return the text to store.

    Raises:
        Invalid: it is of another type, no number, or leaves a switch without a value.
    """
    given = {
        "valueBoolean": update.value_boolean is not None,
        "valueString": update.value_string is not None,
        "valueNumber": has_value(update.value_number),
    }
    for member, there in given.items():
        if there and member != _MEMBERS[feature_type]:
            raise Invalid(member, f"It is no value for a feature of type {feature_type}.")
    if feature_type is FeatureType.BOOLEAN and update.value_boolean is None:
        raise Invalid("valueBoolean", "A switch is never without a value.")
    return stored_text(
        feature_type,
        boolean=update.value_boolean,
        string=update.value_string,
        number=update.value_number,
        json=update.value_string,
    )


def _unset(feature_type: FeatureType) -> str | None:
    return stored_text(feature_type, boolean=None, string=None, number=ABSENT, json=None)

"""All that a Dacha holds, as records for its next process, and back. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import assert_never

from msgspec import structs

from fh.contracts.published import (
    CacheEnvironmentFeature,
    CacheServiceAccount,
    PublishAction,
    PublishEnvironment,
)
from fh.dacha.account_tables import KnownAccount
from fh.dacha.cached_truth import published_account, published_environment
from fh.dacha.snapshot import EnvironmentSnapshot
from fh.model.ids import FeatureId, ServiceAccountId
from fh.wire.last_known import (
    Account,
    DeletedAccounts,
    Environment,
    Features,
    Head,
    Malformed,
    Record,
)

FEATURES_IN_A_RECORD = 200


@dataclass(frozen=True, slots=True, eq=False)
class Holdings:
    """What a Dacha holds as of one moment, the most recently used first.

    `is_behind`: an event that was handed over before that moment is not yet part of it.
    """

    environments: Sequence[EnvironmentSnapshot]
    accounts: Sequence[KnownAccount]
    deleted_accounts: Sequence[ServiceAccountId]
    is_behind: bool

    def differ_from(self, others: "Holdings") -> bool:
        """Return whether anything else was said since; the order of use does not count.

        An account that was asked for again counts, although it may be as it was.
        """
        # What changes is replaced, and to compare contents would take many times as long.
        return any(
            set(map(id, mine)) != set(map(id, theirs))
            for mine, theirs in (
                (self.environments, others.environments),
                (self.accounts, others.accounts),
            )
        )

    def records(self) -> Iterator[Record]:
        """Return all but the head: few bytes each, made one at a time."""
        yield DeletedAccounts(tuple(self.deleted_accounts))
        for account in self.accounts:
            yield Account(published_account(account))
        for snapshot in self.environments:
            yield from _environment(snapshot)


@dataclass(slots=True)
class Knowledge:
    """What the records of an earlier process told, the most recently used first."""

    accounts: list[CacheServiceAccount] = field(default_factory=list)
    deleted_accounts: list[ServiceAccountId] = field(default_factory=list)
    environments: list[EnvironmentSnapshot] = field(default_factory=list)


class RecordsTaken:
    """Takes records one after the other, the head first."""

    __slots__ = ("_deleted", "_environment", "_features", "_knowledge", "head")

    def __init__(self) -> None:
        self.head: Head | None = None
        self._knowledge = Knowledge()
        self._environment: PublishEnvironment | None = None
        self._deleted: dict[FeatureId, int] = {}
        self._features: list[CacheEnvironmentFeature] = []

    def take(self, record: Record) -> None:
        """Take the next record.

        Raises:
            Malformed: it can't stand there.
        """
        if (self.head is None) is not isinstance(record, Head):
            raise Malformed("its records are in a wrong order")
        match record:
            case Head():
                self.head = record
            case Account(account):
                self._knowledge.accounts.append(account)
            case DeletedAccounts(ids):
                self._knowledge.deleted_accounts.extend(ids)
            case Environment(environment, deleted):
                self._close_environment()
                self._environment, self._deleted = environment, deleted
            case Features(features):
                if self._environment is None:
                    raise Malformed("its records are in a wrong order")
                self._features.extend(features)
            case _:
                assert_never(record)

    def end(self) -> tuple[Head, Knowledge]:
        """Return everything taken.

        Raises:
            Malformed: there was not even a head.
        """
        if self.head is None:
            raise Malformed("it holds no records")
        self._close_environment()
        return self.head, self._knowledge

    def _close_environment(self) -> None:
        if self._environment is None:
            return
        told = structs.replace(self._environment, features=tuple(self._features))
        snapshot = structs.replace(
            EnvironmentSnapshot.of(told), deleted=MappingProxyType(self._deleted)
        )
        self._knowledge.environments.append(snapshot)
        self._environment, self._features = None, []


def _environment(snapshot: EnvironmentSnapshot) -> Iterator[Record]:
    told = published_environment(snapshot, PublishAction.CREATE)
    yield Environment(structs.replace(told, features=()), dict(snapshot.deleted))
    features = snapshot.features
    for start in range(0, len(features), FEATURES_IN_A_RECORD):
        yield Features(features[start : start + FEATURES_IN_A_RECORD])

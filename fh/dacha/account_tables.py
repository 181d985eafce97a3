"""The service accounts we know, by id and by secret, and what an event makes of them. Pure.

Secrets are dictionary keys here; how long a look-up takes tells nothing about them, because a
dictionary compares hashes that are salted per process first.

Source: section 5.9 of the data plane's contract, rulings (b) and (c).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from fh.actors.table import Table
from fh.contracts.published import CacheServiceAccount, PublishAction, PublishServiceAccount
from fh.dacha.doubts import Doubts
from fh.dacha.misses import Misses
from fh.dacha.recent import Recent
from fh.model.ids import EnvironmentId, FeatureFilterId, ServiceAccountId
from fh.model.roles import Role

_UNPUBLISHED = -1


@dataclass(frozen=True, slots=True, eq=False)
class KnownAccount:
    """A service account, its permissions ready to look up.

    `roles` lists only environments in which it may do anything. `changed` is the number of the
    change that brought it.
    """

    id: ServiceAccountId
    version: int
    secrets: tuple[str, ...]
    roles: Mapping[EnvironmentId, frozenset[Role]]
    filters: frozenset[FeatureFilterId]
    changed: int

    def __repr__(self) -> str:
        return f"KnownAccount({self.id}, version={self.version})"

    @classmethod
    def of(cls, account: CacheServiceAccount, changed: int) -> "KnownAccount":
        """Return `account` as change number `changed` brought it."""
        return cls(
            id=account.id,
            version=account.version,
            # A deleted account comes with empty keys.
            secrets=tuple(
                secret
                for secret in (account.api_key_server_side, account.api_key_client_side)
                if secret
            ),
            roles=MappingProxyType(
                {
                    each.environment_id: frozenset(each.permissions)
                    for each in account.permissions
                    if each.permissions
                }
            ),
            filters=frozenset(account.filters),
            changed=changed,
        )


class AccountTables:
    """What the accounts actor owns: accounts, secrets, misses. It outlives the actor's lives.

    `changes` counts the events so far. A load remembers the number at which it began, because
    what MR answered says nothing about events that came meanwhile. `loads` counts the loads under
    way.
    """

    def __init__(self, capacity: int, misses: Misses[str], *, cache_all_updates: bool) -> None:
        self.changes = 0
        self.loads = 0
        self.misses = misses
        self.doubts: Doubts[ServiceAccountId, KnownAccount] = Doubts()
        self._cache_all_updates = cache_all_updates
        self._by_id: Recent[ServiceAccountId, KnownAccount] = Recent(capacity)
        self._by_secret: Table[str, KnownAccount] = Table()
        # Deleted accounts and the change that deleted them: a load under way, or an update that
        # comes late, must not bring them back.
        self._deleted: Recent[ServiceAccountId, int] = Recent(capacity)
        # What an earlier process knew, and nobody has said anything about since.
        self._unconfirmed: set[ServiceAccountId] = set()

    def restore(
        self, accounts: Sequence[CacheServiceAccount], deleted: Sequence[ServiceAccountId]
    ) -> None:
        """Know what an earlier process knew, before any event; both newest first."""
        for gone in reversed(deleted):
            self._deleted.keep(gone, self.changes)
        for account in reversed(accounts):
            self._put(KnownAccount.of(account, self.changes), now=0.0)
            self._unconfirmed.add(account.id)

    def held(self) -> list[KnownAccount]:
        """Return every account, the most recently used one first."""
        return list(self._by_id.values_newest_first())

    @property
    def unconfirmed(self) -> int:
        """How many restored accounts are still served unasked."""
        return len(self._unconfirmed)

    @property
    def secrets(self) -> int:
        """How many secrets the accounts have."""
        return len(self._by_secret)

    @property
    def deleted(self) -> list[ServiceAccountId]:
        """The accounts deleted lately, the newest first."""
        return list(self._deleted.newest_first())

    def use(self, secret: str) -> KnownAccount | None:
        """Return the account that `secret` belongs to, now the most recently used one."""
        known = self._by_secret.get(secret)
        if known is not None:
            self._by_id.use(known.id)
        return known

    def find(self, account_id: ServiceAccountId) -> KnownAccount | None:
        """Return the account."""
        return self._by_id.find(account_id)

    def ids(self) -> list[ServiceAccountId]:
        """Return the accounts known, the most recently used one first."""
        return list(self._by_id.newest_first())

    def publish(self, message: PublishServiceAccount, now: float) -> None:
        """Take what the bus announced."""
        if message.service_account is None:
            return
        self.changes += 1
        match message.action:
            case PublishAction.CREATE | PublishAction.UPDATE:
                self._update(message.service_account, now)
            case PublishAction.DELETE:
                self._delete(message.service_account.id, now)
            case PublishAction.EMPTY:
                pass

    def doubt(self) -> None:
        """Have all that is known loaded anew: events may have been missed."""
        self.doubts.begin(self._by_id.newest_first())
        self.misses.clear()  # what did not exist may have been created meanwhile

    def load(
        self,
        secret: str,
        account: CacheServiceAccount | None,
        began: int,
        now: float,
        asked: int = 0,
    ) -> KnownAccount | None:
        """Take MR's answer to a question about `secret`, asked at change `began`.

        Return the account that the secret belongs to; None is remembered as a miss, unless events
        may have been missed since the generation in which it was `asked`.
        """
        known = self._by_secret.get(secret) if account is None else self._by_id.find(account.id)
        if known is not None:
            self.doubts.note(known.id, known)
        if account is not None:
            self._unconfirmed.discard(account.id)
            self._put_loaded(account, began, now)
        elif known is not None and known.changed <= began:
            self._drop(known)
            self.doubts.gone(known.id)
        account_id = account.id if account is not None else None if known is None else known.id
        if account_id is not None and self._by_id.find(account_id) is not None:
            self.doubts.settle(account_id, asked)
        found = self._by_secret.get(secret)
        if found is None and asked == self.doubts.generation:
            self.misses.remember(secret, now)
        return found

    def _put_loaded(self, account: CacheServiceAccount, began: int, now: float) -> None:
        deleted = self._deleted.find(account.id)
        if deleted is not None and deleted > began:
            return
        self._deleted.pop(account.id)
        known = self._by_id.find(account.id)
        # Edited permissions may keep the version: of two equal ones the event is the newer one
        # if it came during the load.
        newest_known = _UNPUBLISHED if known is None else known.version
        if known is not None and known.changed > began:
            newest_known += 1
        if account.version >= newest_known:
            self._put(KnownAccount.of(account, began), now)

    def _update(self, account: CacheServiceAccount, now: float) -> None:
        published = KnownAccount.of(account, self.changes)
        known = self._by_id.find(account.id)
        # An update of a deleted account is late, or the account is back: MR knows which. An
        # account nobody asked for is kept all the same while a load is under way, because that
        # may bring an older state of it.
        is_deleted = self._deleted.find(account.id) is not None
        is_wanted = self._cache_all_updates or self.loads > 0
        if is_deleted or (known is None and not is_wanted):
            for secret in published.secrets:
                self.misses.forget(secret)
        elif known is None or account.version >= known.version:
            self._put(published, now)

    def _put(self, account: KnownAccount, now: float) -> None:
        self._unconfirmed.discard(account.id)
        if (known := self._by_id.find(account.id)) is not None:
            for secret in known.secrets:
                if secret not in account.secrets:
                    self._drop_secret(secret, known)
                    self.misses.remember(secret, now)
        for secret in account.secrets:
            self.misses.forget(secret)
            self._by_secret[secret] = account
        if (crowded_out := self._by_id.keep(account.id, account)) is not None:
            self._unconfirmed.discard(crowded_out.id)
            self.doubts.forget(crowded_out.id)
            for secret in crowded_out.secrets:
                self._drop_secret(secret, crowded_out)

    def _delete(self, account_id: ServiceAccountId, now: float) -> None:
        self._deleted.keep(account_id, self.changes)
        if (known := self._by_id.find(account_id)) is not None:
            self._drop(known)
            self.doubts.forget(account_id)
            for secret in known.secrets:
                self.misses.remember(secret, now)

    def _drop(self, known: KnownAccount) -> None:
        self._unconfirmed.discard(known.id)
        self._by_id.pop(known.id)
        for secret in known.secrets:
            self._drop_secret(secret, known)

    def _drop_secret(self, secret: str, known: KnownAccount) -> None:
        holder = self._by_secret.get(secret)
        if holder is not None and holder.id == known.id:
            del self._by_secret[secret]

    def __len__(self) -> int:
        return len(self._by_id)

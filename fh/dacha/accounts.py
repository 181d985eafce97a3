"""All service accounts in Dacha's memory.

One actor for all of them, because an account is reached by two secrets that may change hands, and
only one owner can keep both tables in step. It never waits, so an event is part of the tables
when its `tell` returns. Loads therefore happen outside of its turns, each in the task of whoever
asks; the actor then settles by version, and by the number of the change at which the load began,
what came first.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias, TypeVar, assert_never

import structlog
import trio

from fh.actors.actor import Actor
from fh.actors.errors import ActorStopped, AskFailed
from fh.actors.ref import Ref
from fh.actors.reply import Reply
from fh.contracts.answers import Denied, NotReady
from fh.contracts.published import CacheServiceAccount, PublishServiceAccount
from fh.contracts.truth import TruthSource
from fh.dacha.account_tables import AccountTables, KnownAccount
from fh.dacha.doubts import Doubts
from fh.dacha.flights import Flights, nothing_known
from fh.dacha.view import DENIED
from fh.errors import Unavailable
from fh.model.ids import ServiceAccountId

log = structlog.get_logger()

T = TypeVar("T")

AccountAnswer: TypeAlias = KnownAccount | Denied | NotReady


@dataclass(frozen=True, slots=True)
class AccountPublished:
    """The bus announced an account."""

    message: PublishServiceAccount


@dataclass(frozen=True, slots=True)
class AskAccount:
    """Answer with what the tables know of a secret, None when it has to be loaded."""

    secret: str
    reply: Reply[KnownAccount | Denied | None]

    def __repr__(self) -> str:
        return "AskAccount()"


@dataclass(frozen=True, slots=True)
class AccountLoaded:
    """MR answered a question about a secret, asked at change `began` in generation `asked`."""

    secret: str
    account: CacheServiceAccount | None
    began: int
    reply: Reply[KnownAccount | Denied]
    asked: int = 0

    def __repr__(self) -> str:
        return f"AccountLoaded({self.account}, began={self.began})"


AccountMessage: TypeAlias = AccountPublished | AskAccount | AccountLoaded


class AccountsActor(Actor[AccountMessage]):
    """The only writer of the account tables."""

    __slots__ = ("_attach", "_tables")

    def __init__(
        self, tables: AccountTables, attach: Callable[[Ref[AccountMessage]], None]
    ) -> None:
        self._tables = tables
        self._attach = attach

    async def started(self, me: Ref[AccountMessage]) -> None:
        """Say how to be reached."""
        self._attach(me)

    def react(self, message: AccountMessage) -> None:
        """Apply an event or a load, or look something up."""
        now = trio.current_time()
        match message:
            case AccountPublished(published):
                self._tables.publish(published, now)
            case AskAccount(secret, reply):
                reply.send(_look_up(self._tables, secret))
            case AccountLoaded(secret, account, began, reply, asked):
                reply.send(self._tables.load(secret, account, began, now, asked) or DENIED)
            case _:
                assert_never(message)


class Accounts:
    """What the rest of Dacha sees of the accounts."""

    def __init__(self, source: TruthSource, tables: AccountTables) -> None:
        self._source = source
        self._tables = tables
        self._flights: Flights[str, AccountAnswer] = Flights()
        self._confirmations: Flights[tuple[str, bool], AccountAnswer] = Flights()
        self._ref: Ref[AccountMessage] | None = None
        self._told = 0  # events handed to the tables' owner

    def make(self) -> AccountsActor:
        """Return a new life of the tables' owner; the last one may have lost an event."""
        self.doubt()
        return AccountsActor(self._tables, self._attach)

    def _attach(self, ref: Ref[AccountMessage]) -> None:
        self._ref = ref

    def find(self, secret: str) -> KnownAccount | Denied | None:
        """Return the newest account, or None while it is unknown or an event is waiting."""
        if self._ref is None or not self._ref.is_idle:
            return None
        return _look_up(self._tables, secret)

    async def load(self, secret: str) -> AccountAnswer:
        """Return the account, loading it where it is missing.

        It contains every event published before the call.
        """
        return await self._flights.share(
            secret, partial(self.find, secret), partial(self._ask, secret)
        )

    async def load_anew(self, secret: str) -> AccountAnswer:
        """Return the account as MR has it now; as it was known last where MR can't say."""
        answer = await self._flights.share(secret, nothing_known, partial(self._load, secret))
        return (self._tables.use(secret) or answer) if isinstance(answer, NotReady) else answer

    async def load_confirmed(self, secret: str, *, anew: bool) -> AccountAnswer:
        """Return the account if it is in no doubt, or as MR has it now; NotReady if it can't say.

        `anew`: MR is asked in any case.
        """

        def find() -> KnownAccount | Denied | None:
            return None if anew else self._unless_in_doubt(self.find(secret))

        return find() or await self._confirmations.share(
            (secret, anew), find, partial(self._confirm, secret, anew=anew)
        )

    def doubt(self) -> None:
        """Have all that is known loaded anew: events may have been missed."""
        self._tables.doubt()

    @property
    def doubts(self) -> Doubts[ServiceAccountId, KnownAccount]:
        """Which accounts are in doubt."""
        return self._tables.doubts

    async def publish(self, message: PublishServiceAccount) -> None:
        """Hand a published account to the tables' owner."""
        if self._ref is None:
            return
        self._told += message.service_account is not None
        try:
            await self._ref.tell(AccountPublished(message))
        except ActorStopped:
            # Dacha is going down; what it missed it loads when it is back.
            log.debug("event_ignored", actor=self._ref.name)

    async def reload(self, account_id: ServiceAccountId) -> NotReady | None:
        """Bring an account up to date with MR, or return what kept us from it."""
        known = self._tables.find(account_id)
        if known is None or not known.secrets:
            return None  # deleted or evicted meanwhile
        answer = await self._load(known.secrets[0])
        return answer if isinstance(answer, NotReady) else None

    def known(self, account_id: ServiceAccountId) -> KnownAccount | None:
        """Return the newest account, whatever waits to be applied to it."""
        return self._tables.find(account_id)

    def held(self) -> tuple[list[KnownAccount], bool]:
        """Return every account, the most recently used one first, and whether an event waits."""
        return self._tables.held(), self._told != self._tables.changes

    def restore(
        self, accounts: Sequence[CacheServiceAccount], deleted: Sequence[ServiceAccountId]
    ) -> None:
        """Know what an earlier process knew, before the first run; both newest first."""
        self._tables.restore(accounts, deleted)

    @property
    def unconfirmed(self) -> int:
        """How many restored accounts are still served unasked."""
        return self._tables.unconfirmed

    @property
    def deleted(self) -> list[ServiceAccountId]:
        """The accounts deleted lately, the newest first."""
        return self._tables.deleted

    def ids(self) -> list[ServiceAccountId]:
        """Return the accounts known, the most recently used one first."""
        return self._tables.ids()

    @property
    def keys(self) -> int:
        """How many keys the accounts have."""
        return self._tables.secrets

    def __len__(self) -> int:
        return len(self._tables)

    async def _ask(self, secret: str) -> AccountAnswer:
        known = await self._settled(lambda ref: ref.ask(partial(AskAccount, secret)))
        return await self._load(secret) if known is None else known

    async def _confirm(self, secret: str, *, anew: bool) -> AccountAnswer:
        if not anew:
            known = await self._settled(lambda ref: ref.ask(partial(AskAccount, secret)))
            if isinstance(known, NotReady):
                return known
            if (known := self._unless_in_doubt(known)) is not None:
                return known
        answer = await self._load(secret)
        if isinstance(answer, KnownAccount) and answer.id in self.doubts:
            return NotReady("it is in doubt")  # once more events were missed
        return answer

    def _unless_in_doubt(self, found: KnownAccount | Denied | None) -> KnownAccount | Denied | None:
        return None if isinstance(found, KnownAccount) and found.id in self.doubts else found

    async def _load(self, secret: str) -> AccountAnswer:
        began, asked = self._tables.changes, self.doubts.generation
        self._tables.loads += 1
        try:
            account = await self._source.load_account(secret)
            return await self._settled(
                lambda ref: ref.ask(partial(AccountLoaded, secret, account, began, asked=asked))
            )
        except Unavailable as refusal:
            log.warning("account_not_loaded", reason=str(refusal))
            return NotReady(str(refusal))
        finally:
            self._tables.loads -= 1

    async def _settled(self, ask: Callable[[Ref[AccountMessage]], Awaitable[T]]) -> T | NotReady:
        if self._ref is None:
            return NotReady("Dacha is not running")
        try:
            return await ask(self._ref)
        except (ActorStopped, AskFailed) as refusal:
            log.warning("accounts_did_not_answer", reason=str(refusal))
            return NotReady(str(refusal))


def _look_up(tables: AccountTables, secret: str) -> KnownAccount | Denied | None:
    known = tables.use(secret)
    if known is not None:
        return known
    return DENIED if tables.misses.knows(secret, trio.current_time()) else None

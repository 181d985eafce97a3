"""One environment in Dacha's memory.

It is an actor because loading from MR and applying what is published race. The mailbox is the
cure: changes published during a load wait in it, in order, and are merged by version afterwards.
Reads do not queue here; they take the newest immutable state from the table.
"""

from collections.abc import Callable
from typing import TypeAlias, assert_never

import structlog
import trio
from msgspec import Struct

from fh.actors.actor import Actor
from fh.actors.ref import Ref
from fh.actors.reply import Reply
from fh.actors.table import Table
from fh.contracts.answers import Denied, NotReady
from fh.contracts.detached import detached
from fh.contracts.published import PublishAction, PublishEnvironment, PublishFeatureValue
from fh.contracts.truth import TruthSource
from fh.dacha.misses import Misses
from fh.dacha.snapshot import EnvironmentSnapshot
from fh.errors import Unavailable
from fh.model.ids import EnvironmentId

log = structlog.get_logger()

EnvironmentAnswer: TypeAlias = EnvironmentSnapshot | Denied | NotReady


class EnvironmentPublished(Struct, frozen=True, eq=False):
    """Event `number` of this environment: the environment itself."""

    message: PublishEnvironment
    number: int


class FeaturesPublished(Struct, frozen=True, eq=False):
    """Event `number` of this environment: some of its features."""

    changes: tuple[PublishFeatureValue, ...]
    number: int


class AskEnvironment(Struct, frozen=True, eq=False):
    """Answer with the snapshot, loading it where it is missing.

    Strictly: not with what a life left behind that may have lost an event.
    """

    reply: Reply[EnvironmentAnswer]
    strictly: bool = False


class Reload(Struct, frozen=True, eq=False):
    """Bring the snapshot up to date with MR; say what kept you from it."""

    reply: Reply[NotReady | None]


class Recover(Struct, frozen=True, eq=False):
    """Reload, because an earlier life may have lost an event; try until it is done."""


EnvironmentMessage: TypeAlias = (
    EnvironmentPublished | FeaturesPublished | AskEnvironment | Reload | Recover
)


class EnvironmentState(Struct, frozen=True):
    """What readers see: the snapshot, and the number of the last event that is part of it.

    `is_confirmed` is false for what an earlier process knew, until MR was asked about it.
    """

    snapshot: EnvironmentSnapshot | None
    applied: int
    is_confirmed: bool = True


_EMPTY = EnvironmentState(snapshot=None, applied=0)


class EnvironmentActor(Actor[EnvironmentMessage]):
    """The only writer of one environment's entry in the table."""

    __slots__ = (
        "_cache_all_updates",
        "_generation",
        "_id",
        "_is_trusted",
        "_me",
        "_misses",
        "_published",
        "_retry_seconds",
        "_source",
        "_table",
    )

    def __init__(
        self,
        environment_id: EnvironmentId,
        source: TruthSource,
        table: Table[EnvironmentId, EnvironmentState],
        misses: Misses[EnvironmentId],
        *,
        published: Callable[[], int],
        cache_all_updates: bool,
        retry_seconds: float,
        generation: Callable[[], int] = lambda: 0,
    ) -> None:
        self._id = environment_id
        self._source = source
        self._table = table
        self._misses = misses
        self._published = published
        self._cache_all_updates = cache_all_updates
        self._retry_seconds = retry_seconds
        self._generation = generation
        self._me: Ref[EnvironmentMessage] | None = None
        # An entry that is there before we are comes from a life that crashed, and the event it
        # crashed on is lost; or from an earlier process, and we are the first life.
        entry = table.get(environment_id)
        self._is_trusted = entry is None or (not entry.is_confirmed and published() == 0)

    async def started(self, me: Ref[EnvironmentMessage]) -> None:
        """See to it that what an earlier life left behind is checked with MR."""
        self._me = me
        if not self._is_trusted:
            me.tell_after(0, Recover())

    async def receive(self, message: EnvironmentMessage) -> None:
        """Apply an event, or load."""
        match message:
            case EnvironmentPublished() | FeaturesPublished():
                self._apply(message)
            case AskEnvironment(reply, strictly):
                reply.send(await self._answer(strictly=strictly))
            case Reload(reply):
                reply.send(await self._load())
            case Recover():
                if not self._is_trusted and await self._load() is not None and self._me:
                    self._me.tell_after(self._retry_seconds, Recover())
            case _:
                assert_never(message)

    def reacts_to(self, message: EnvironmentMessage) -> bool:
        """Return whether it is an event: whoever is told of it next finds it applied."""
        return isinstance(message, EnvironmentPublished | FeaturesPublished)

    def react(self, message: EnvironmentMessage) -> None:
        """Apply an event."""
        assert isinstance(message, EnvironmentPublished | FeaturesPublished)
        self._apply(message)

    def _apply(self, event: EnvironmentPublished | FeaturesPublished) -> None:
        match event:
            case EnvironmentPublished(published, number):
                self._write(self._with_environment(published), number)
            case FeaturesPublished(changes, number):
                snapshot = self._state.snapshot
                # Unknown environment: the load that makes it known will bring them.
                self._write(snapshot and snapshot.with_changes(changes), number)
            case _:
                assert_never(event)

    @property
    def _state(self) -> EnvironmentState:
        return self._table.get(self._id, _EMPTY)

    def _with_environment(self, message: PublishEnvironment) -> EnvironmentSnapshot | None:
        snapshot = self._state.snapshot
        now = trio.current_time()
        if message.action is PublishAction.DELETE:
            self._misses.remember(self._id, now)
            return None
        if snapshot is not None:
            return snapshot.with_environment(message)
        if self._misses.knows(self._id, now):
            # Late, or the environment is back: the next question asks MR, which knows.
            self._misses.forget(self._id)
            return None
        return EnvironmentSnapshot.of(message) if self._cache_all_updates else None

    async def _answer(self, *, strictly: bool) -> EnvironmentAnswer:
        snapshot = self._state.snapshot
        if snapshot is not None and self._is_trusted:
            return snapshot
        if snapshot is None and self._misses.knows(self._id, trio.current_time()):
            return Denied()
        failure = await self._load()
        newest = self._state.snapshot
        if newest is not None and not (strictly and failure):
            return newest  # the last good one if MR is away
        return failure or Denied()

    async def _load(self) -> NotReady | None:
        published, asked = self._published(), self._generation()
        try:
            truth = await self._source.load_environment(self._id)
        except Unavailable as refusal:
            log.warning("environment_not_loaded", environment_id=self._id, reason=str(refusal))
            return NotReady(str(refusal))
        state = self._state
        if truth is None:
            if asked == self._generation():  # else it may have been created meanwhile
                self._misses.remember(self._id, trio.current_time())
            snapshot = None
        else:
            self._misses.forget(self._id)
            known, kept = state.snapshot, detached(truth)
            snapshot = EnvironmentSnapshot.of(kept) if known is None else known.with_truth(kept)
        # MR knew everything that it had published by then, so an event that an earlier life lost
        # is made up for.
        number = state.applied if self._is_trusted else published
        self._write(snapshot, number, is_confirmed=True)
        self._is_trusted = True
        return None

    def _write(
        self, snapshot: EnvironmentSnapshot | None, applied: int, *, is_confirmed: bool = False
    ) -> None:
        state = self._state
        self._table[self._id] = EnvironmentState(
            snapshot,
            max(applied, state.applied),
            is_confirmed or state.is_confirmed or snapshot is None,
        )

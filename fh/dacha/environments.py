"""All environments in Dacha's memory: who keeps which, which are in doubt, and which has to go.

An environment's actor is started by the first question or event about it. The environment that
was used longest ago makes room for a new one, unless somebody waits for it.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import structlog
import trio

from fh.actors.child import ActorSpec
from fh.actors.errors import ActorStopped, AskFailed, SupervisorNotRunning
from fh.actors.mailbox import Mailbox
from fh.actors.ref import Ref
from fh.actors.supervisor import Supervisor
from fh.actors.table import Table
from fh.contracts.answers import NotReady
from fh.contracts.published import PublishAction, PublishEnvironment, PublishFeatureValue
from fh.contracts.truth import TruthSource
from fh.dacha.doubts import Doubts
from fh.dacha.environment import (
    AskEnvironment,
    EnvironmentActor,
    EnvironmentAnswer,
    EnvironmentMessage,
    EnvironmentPublished,
    EnvironmentState,
    FeaturesPublished,
    Reload,
)
from fh.dacha.flights import Flights, nothing_known
from fh.dacha.misses import Misses
from fh.dacha.settings import DachaSettings
from fh.dacha.snapshot import EnvironmentSnapshot
from fh.dacha.view import DENIED
from fh.model.ids import EnvironmentId

log = structlog.get_logger()

_UNKNOWN = EnvironmentState(snapshot=None, applied=0)


@dataclass(slots=True)
class _Resident:
    """An environment with an actor: events handed to it so far, and questions under way."""

    ref: Ref[EnvironmentMessage]
    published: int
    questions: int = 0


class Environments:
    """The environments that have an actor, the least recently used one first."""

    def __init__(
        self,
        supervisor: Supervisor,
        source: TruthSource,
        misses: Misses[EnvironmentId],
        settings: DachaSettings,
    ) -> None:
        self._supervisor = supervisor
        self._source = source
        self._misses = misses
        self._settings = settings
        self._table: Table[EnvironmentId, EnvironmentState] = Table()
        self._residents: OrderedDict[EnvironmentId, _Resident] = OrderedDict()
        self._flights: Flights[EnvironmentId, EnvironmentAnswer] = Flights()
        self._confirmations: Flights[tuple[EnvironmentId, bool], EnvironmentAnswer] = Flights()
        self.doubts: Doubts[EnvironmentId, EnvironmentSnapshot] = Doubts()
        self._evicted = 0
        self._unconfirmed: set[EnvironmentId] = set()

    def restore(self, snapshots: Sequence[EnvironmentSnapshot]) -> None:
        """Keep what an earlier process knew, the most recently used first, before the first run.

        It is served unasked until it was reloaded.
        """
        kept = snapshots[: self._settings.environments]
        for snapshot in reversed(kept):
            environment_id = snapshot.environment.id
            self._table[environment_id] = EnvironmentState(snapshot, applied=0, is_confirmed=False)
            self._unconfirmed.add(environment_id)

    @property
    def unconfirmed(self) -> int:
        """How many restored environments are still served unasked."""
        self._unconfirmed = {each for each in self._unconfirmed if self._is_unconfirmed(each)}
        return len(self._unconfirmed)

    def _is_unconfirmed(self, environment_id: EnvironmentId) -> bool:
        state = self._table.get(environment_id)
        return state is not None and not state.is_confirmed

    def resume(self) -> None:
        """Give every snapshot an actor again, after the supervisor has started.

        What an earlier run left in the table is served on.
        """
        for environment_id, resident in list(self._residents.items()):
            if resident.ref.is_stopped:
                del self._residents[environment_id]
        for environment_id, state in list(self._table.items()):
            if environment_id in self._residents:
                continue
            if state.snapshot is None:
                del self._table[environment_id]
            else:
                self._settle(environment_id, state.applied)

    def doubt(self) -> None:
        """Have all that is known loaded anew: events may have been missed."""
        # What is being loaded just now may be older than that, too.
        self.doubts.begin([*self._residents, *(each for each, _ in self._table.items())])
        self._misses.clear()  # what did not exist may have been created meanwhile

    def find(self, environment_id: EnvironmentId) -> EnvironmentAnswer | None:
        """Return the newest snapshot, or None while it is unknown or an event is waiting."""
        resident = self._residents.get(environment_id)
        snapshot = None
        if resident is not None:
            state = self._table.get(environment_id)
            if (0 if state is None else state.applied) != resident.published:
                return None
            snapshot = None if state is None else state.snapshot
        if snapshot is not None:
            self._residents.move_to_end(environment_id)
            return snapshot
        return DENIED if self._misses.knows(environment_id, trio.current_time()) else None

    async def load(self, environment_id: EnvironmentId) -> EnvironmentAnswer:
        """Return the snapshot, loading it where it is missing.

        It contains every event published before the call.
        """
        return await self._flights.share(
            environment_id, partial(self.find, environment_id), partial(self._ask, environment_id)
        )

    async def load_anew(self, environment_id: EnvironmentId) -> EnvironmentAnswer:
        """Return the snapshot as MR has it now; as it was known last where MR can't say."""
        answer = await self._flights.share(
            environment_id, nothing_known, partial(self._ask_anew, environment_id)
        )
        return (self.snapshot(environment_id) or answer) if isinstance(answer, NotReady) else answer

    async def load_confirmed(
        self, environment_id: EnvironmentId, *, anew: bool
    ) -> EnvironmentAnswer:
        """Return the snapshot if it is in no doubt, or as MR has it now; NotReady if it can't say.

        `anew`: MR is asked in any case.
        """

        def find() -> EnvironmentAnswer | None:
            in_doubt = anew or environment_id in self.doubts
            return None if in_doubt else self.find(environment_id)

        return find() or await self._confirmations.share(
            (environment_id, anew), find, partial(self._confirm, environment_id, anew=anew)
        )

    async def publish(self, message: PublishEnvironment) -> None:
        """Hand a published environment to its actor."""
        environment_id = message.environment.id
        resident = self._residents.get(environment_id)
        if resident is None:
            if message.action is PublishAction.DELETE:
                self._misses.remember(environment_id, trio.current_time())
                return
            if self._misses.knows(environment_id, trio.current_time()):
                # Late, or the environment is back: the next question asks MR, which knows.
                self._misses.forget(environment_id)
                return
            if not self._settings.cache_all_updates:
                return
            resident = self._open(environment_id)
        if resident is not None:
            resident.published += 1
            await _tell(resident, EnvironmentPublished(message, resident.published))

    async def publish_features(
        self, environment_id: EnvironmentId, changes: tuple[PublishFeatureValue, ...]
    ) -> None:
        """Hand published features to their environment's actor; nobody keeps it: ignore them."""
        if (resident := self._residents.get(environment_id)) is not None:
            resident.published += 1
            await _tell(resident, FeaturesPublished(changes, resident.published))

    async def reload(self, environment_id: EnvironmentId) -> NotReady | None:
        """Bring an environment up to date with MR, or return what kept us from it."""
        resident = self._residents.get(environment_id)
        if resident is None:
            return None  # evicted meanwhile
        if (known := self.snapshot(environment_id)) is not None:
            self.doubts.note(environment_id, known)
        asked = self.doubts.generation
        resident.questions += 1
        try:
            failure = await resident.ref.ask(Reload)
            if failure is None and resident is self._residents.get(environment_id):
                self.doubts.settle(environment_id, asked)
        except AskFailed as crash:
            return NotReady(str(crash))
        except ActorStopped:
            return None  # evicted meanwhile, or the next run begins with a refresh
        else:
            return failure
        finally:
            resident.questions -= 1
            self._tidy(environment_id, resident)

    def snapshot(self, environment_id: EnvironmentId) -> EnvironmentSnapshot | None:
        """Return the newest snapshot, whatever waits to be applied to it."""
        state = self._table.get(environment_id)
        return None if state is None else state.snapshot

    def is_gone(self, environment_id: EnvironmentId) -> bool:
        """Return whether MR said lately that there is no such environment."""
        return self._misses.knows(environment_id, trio.current_time())

    def held(self) -> tuple[list[EnvironmentSnapshot], bool]:
        """Return every snapshot, the most recently used one first, and whether an event waits."""
        held: list[EnvironmentSnapshot] = []
        is_behind = False
        find = self._table.get
        for environment_id, resident in reversed(self._residents.items()):
            state = find(environment_id, _UNKNOWN)
            is_behind = is_behind or state.applied != resident.published
            if state.snapshot is not None:
                held.append(state.snapshot)
        known = [each.snapshot for _, each in self._table.items() if each.snapshot is not None]
        if len(known) > len(held):  # some have no actor, before the first run
            found = set(map(id, held))
            held += [each for each in reversed(known) if id(each) not in found]
        return held, is_behind

    def ids(self) -> list[EnvironmentId]:
        """Return the environments kept, the most recently used one first."""
        return list(reversed(self._residents))

    @property
    def features(self) -> int:
        """How many features the environments have."""
        states = (state for _, state in self._table.items())
        return sum(len(state.snapshot.features) for state in states if state.snapshot is not None)

    @property
    def evicted(self) -> int:
        """How many environments had to make room so far."""
        return self._evicted

    def __len__(self) -> int:
        return len(self._residents)

    async def _ask(
        self, environment_id: EnvironmentId, *, strictly: bool = False
    ) -> EnvironmentAnswer:
        resident = self._residents.get(environment_id) or self._open(environment_id)
        if resident is None:
            return NotReady("Dacha is not running")
        resident.questions += 1
        try:
            return await resident.ref.ask(partial(AskEnvironment, strictly=strictly))
        except (ActorStopped, AskFailed) as refusal:
            log.warning("environment_did_not_answer", environment_id=environment_id)
            state = self._table.get(environment_id)
            last_good = None if state is None else state.snapshot
            return NotReady(str(refusal)) if last_good is None or strictly else last_good
        finally:
            resident.questions -= 1
            self._tidy(environment_id, resident)

    async def _ask_anew(self, environment_id: EnvironmentId) -> EnvironmentAnswer:
        if environment_id not in self._residents and self._open(environment_id) is None:
            return NotReady("Dacha is not running")
        if (failure := await self.reload(environment_id)) is not None:
            return failure
        if (snapshot := self.snapshot(environment_id)) is not None:
            return snapshot
        return DENIED if self.is_gone(environment_id) else NotReady("its actor did not answer")

    async def _confirm(self, environment_id: EnvironmentId, *, anew: bool) -> EnvironmentAnswer:
        if not anew and environment_id not in self.doubts:
            return await self._ask(environment_id, strictly=True)
        answer = await self._ask_anew(environment_id)
        # Its actor crashed, or once more events were missed.
        return NotReady("it is in doubt") if environment_id in self.doubts else answer

    def _open(self, environment_id: EnvironmentId) -> _Resident | None:
        self._make_room()
        try:
            return self._settle(environment_id, published=0)
        except SupervisorNotRunning:
            return None

    def _settle(self, environment_id: EnvironmentId, published: int) -> _Resident:
        def make() -> EnvironmentActor:
            return EnvironmentActor(
                environment_id,
                self._source,
                self._table,
                self._misses,
                published=lambda: resident.published,
                cache_all_updates=self._settings.cache_all_updates,
                retry_seconds=self._settings.reload_retry_seconds,
                generation=lambda: self.doubts.generation,
            )

        mailbox = Mailbox(capacity=self._settings.environment_mailbox_capacity)
        spec = ActorSpec(f"environment {environment_id}", make, mailbox)
        resident = _Resident(self._supervisor.spawn(spec), published)
        self._residents[environment_id] = resident
        return resident

    def _make_room(self) -> None:
        surplus = len(self._residents) + 1 - self._settings.environments
        if surplus <= 0:
            return
        idle: list[EnvironmentId] = []
        for environment_id, resident in self._residents.items():
            if resident.questions == 0 and resident.ref.is_idle:
                idle.append(environment_id)
                if len(idle) == surplus:
                    break
        for environment_id in idle:
            self._evict(environment_id)
            self.doubts.forget(environment_id)

    def _tidy(self, environment_id: EnvironmentId, resident: _Resident) -> None:
        """Keep no actor for an environment that does not exist."""
        if resident is not self._residents.get(environment_id) or resident.questions:
            return
        state = self._table.get(environment_id)
        if (state is None or state.snapshot is None) and resident.ref.is_idle:
            self._evict(environment_id)

    def _evict(self, environment_id: EnvironmentId) -> None:
        resident = self._residents.pop(environment_id)
        resident.ref.stop()
        self.doubts.gone(environment_id)
        if (state := self._table.get(environment_id)) is not None:
            del self._table[environment_id]
            self._evicted += state.snapshot is not None


async def _tell(resident: _Resident, message: EnvironmentMessage) -> None:
    try:
        await resident.ref.tell(message)
    except ActorStopped:
        # Dacha is going down; what it missed it loads when it is back.
        log.debug("event_ignored", actor=resident.ref.name)

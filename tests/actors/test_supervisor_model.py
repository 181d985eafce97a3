"""A supervisor against a pure model of one: nobody is lost, leaked or restarted too often.

The rules change the model and note what it expects; the notes are then played to a real
supervisor in one run of trio, on a clock that jumps.
"""

from dataclasses import dataclass, field

import structlog
import trio
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from trio.testing import MockClock, wait_all_tasks_blocked

from fh.actors.actor import Actor
from fh.actors.child import ActorSpec
from fh.actors.errors import ActorStopped, MailboxFull, NameTaken, RestartIntensityExceeded
from fh.actors.mailbox import Mailbox
from fh.actors.restart import Backoff, Intensity, Restart
from fh.actors.supervisor import Supervisor

CAPACITY = 3
INTENSITY = Intensity(restarts=3, within_seconds=5.0)
BACKOFF = Backoff(first_seconds=0.11, factor=3.0, maximum_seconds=2.0, jitter=0.0)
BOOM = "boom"
NAMES = st.sampled_from(["a", "b"])
# Odd on purpose: no sum of these and of backoffs is a tie with a deadline or the window's edge.
PAUSES = st.sampled_from([0.0137, 0.3171, 1.7313, 6.1137])


@dataclass
class Child:
    """What the model knows of one actor."""

    restart: Restart
    journal: list = field(default_factory=list)
    queue: list = field(default_factory=list)
    back_at: float | None = None  # waits for its next life until then
    is_draining: bool = False
    in_a_row: int = 0
    crashed_at: float = float("-inf")
    crashes: int = 0
    restarts: int = 0


class Model:
    """A supervisor as arithmetic. Handling a message takes no time."""

    def __init__(self):
        self.now = 0.0
        self.living = {}  # name → child, in start order
        self.restarted_at = []
        self.restarts = 0
        self.has_escalated = False

    def tell(self, name, message):
        child = self.living.get(name)
        if child is None or child.is_draining:
            return ActorStopped
        if child.back_at is not None:
            if len(child.queue) == CAPACITY:
                return MailboxFull
            child.queue.append(message)
        else:
            child.queue.append(message)
            self.work(name, child)
        return None

    def work(self, name, child):
        while child.queue:
            message = child.queue.pop(0)
            if message == BOOM:
                self.crash(name, child)
                return
            child.journal.append(message)
        if child.is_draining:
            del self.living[name]

    def crash(self, name, child):
        child.crashes += 1
        if child.is_draining or child.restart is Restart.TEMPORARY:
            del self.living[name]
            return
        lately = [at for at in self.restarted_at if self.now - at <= INTENSITY.within_seconds]
        if len(lately) >= INTENSITY.restarts:
            self.has_escalated = True
            self.living.clear()
            return
        self.restarted_at.append(self.now)
        self.restarts += 1
        child.restarts += 1
        if self.now - child.crashed_at > INTENSITY.within_seconds:
            child.in_a_row = 0
        child.in_a_row += 1
        child.crashed_at = self.now
        child.back_at = self.now + min(0.11 * 3.0 ** (child.in_a_row - 1), 2.0)

    def advance(self, seconds):
        until = self.now + seconds
        while not self.has_escalated:
            waiting = [(c.back_at, n) for n, c in self.living.items() if c.back_at is not None]
            if not waiting or min(waiting)[0] > until:
                break
            self.now, name = min(waiting)
            child = self.living[name]
            child.back_at = None
            self.work(name, child)
        self.now = until

    def end(self, name, order):
        child = self.living.get(name)
        if child is None:
            return
        if order == "drain" and child.queue:
            child.is_draining = True
        else:
            del self.living[name]


class Recorder(Actor[object]):
    """Inline; the journal is that of the model's child of the same spawn."""

    def __init__(self, journal):
        self.journal = journal

    def react(self, message):
        if message == BOOM:
            raise ZeroDivisionError
        self.journal.append(message)


class WaitingRecorder(Recorder):
    async def receive(self, message):
        await trio.lowlevel.checkpoint()
        self.react(message)


class SupervisorMachine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.model = Model()
        self.children = []  # of every spawn, in order
        self.script = []  # (what to do, what the model expects of it, and afterwards)
        self.number = 0

    def note(self, *step, outcome=None):
        picture = tuple(
            (name, len(child.queue), len(child.journal), child.crashes, child.restarts)
            for name, child in self.model.living.items()
        )
        waiting = sum(child.back_at is not None for child in self.model.living.values())
        self.script.append((step, outcome, picture, waiting, self.model.restarts))

    def is_up(self):
        return not self.model.has_escalated

    @precondition(is_up)
    @rule(
        name=NAMES,
        kind=st.sampled_from([Recorder, WaitingRecorder]),
        restart=st.sampled_from([Restart.PERMANENT, Restart.TRANSIENT, Restart.TEMPORARY]),
    )
    def spawn(self, name, kind, restart):
        if name in self.model.living:
            self.note("spawn", name, kind, restart, outcome=NameTaken)
            return
        child = self.model.living[name] = Child(restart)
        self.children.append(child)
        self.note("spawn", name, kind, restart)

    def tell_one(self, name, is_fatal):
        self.number += 1
        message = BOOM if is_fatal else self.number
        outcome = self.model.tell(name, message)
        self.note("tell", name, message, outcome=outcome)

    @precondition(is_up)
    @rule(name=NAMES, is_fatal=st.booleans())
    def tell(self, name, is_fatal):
        self.tell_one(name, is_fatal)

    @precondition(is_up)
    @rule(name=NAMES, are_fatal=st.lists(st.booleans(), min_size=2, max_size=5))
    def tell_many(self, name, are_fatal):
        for is_fatal in are_fatal:
            if self.is_up():
                self.tell_one(name, is_fatal)

    @precondition(is_up)
    @rule(name=NAMES, order=st.sampled_from(["stop", "drain", "cancel"]))
    def end(self, name, order):
        self.model.end(name, order)
        self.note("end", name, order)

    @precondition(is_up)
    @rule(seconds=PAUSES)
    def advance(self, seconds):
        self.model.advance(seconds)
        self.note("advance", seconds)

    @precondition(lambda self: not self.is_up())
    @rule()
    def rest(self):
        """Nothing happens any more after an escalation."""

    def teardown(self):
        with structlog.testing.capture_logs():  # thousands of tracebacks take their time
            trio.run(self.play, clock=MockClock(autojump_threshold=0))

    async def play(self):
        supervisor = Supervisor("model", intensity=INTENSITY, backoff=BACKOFF)
        player = Player(supervisor)
        has_escalated = False
        async with trio.open_nursery() as nursery:

            async def run(*, task_status):
                nonlocal has_escalated
                try:
                    await supervisor.run(task_status=task_status)
                except RestartIntensityExceeded:
                    has_escalated = True

            await nursery.start(run)
            for step, outcome, picture, waiting, restarts in self.script:
                assert await player.do(*step) is outcome
                await wait_all_tasks_blocked()
                assert supervisor.statistics().restarts == restarts
                if self.model.has_escalated and step is self.script[-1][0]:
                    break  # nothing more to compare: those who were waiting may still drain
                assert player.picture() == picture
                assert len(supervisor.nursery.child_tasks) == waiting
            supervisor.stop()
        assert has_escalated == self.model.has_escalated
        assert supervisor.statistics().children == ()
        assert all(ref.is_stopped for ref in player.refs.values())
        for journal, child in zip(player.journals, self.children, strict=True):
            assert journal[: len(child.journal)] == child.journal
            assert journal == sorted(journal)  # what a final drain added is in order, too


class Player:
    """Does to a real supervisor what the script says."""

    def __init__(self, supervisor):
        self.supervisor = supervisor
        self.refs = {}
        self.journals = []

    async def do(self, verb, *arguments):
        try:
            await getattr(self, verb)(*arguments)
        except (ActorStopped, MailboxFull, NameTaken) as refusal:
            return type(refusal)
        return None

    async def spawn(self, name, kind, restart):
        journal = []
        spec = ActorSpec(name, lambda: kind(journal), Mailbox(CAPACITY), restart)
        self.refs[name, len(self.journals)] = self.supervisor.spawn(spec)
        self.journals.append(journal)

    def find(self, name):
        found = [ref for (known, _), ref in self.refs.items() if known == name]
        if not found:
            raise ActorStopped(name)
        return found[-1]

    async def tell(self, name, message):
        self.find(name).tell_nowait(message)

    async def end(self, name, order):
        if any(known == name for known, _ in self.refs):
            getattr(self.find(name), order)()

    async def advance(self, seconds):
        await trio.sleep(seconds)

    def picture(self):
        journals = {
            name: self.journals[number] for name, number in self.refs
        }  # the newest of each name comes last
        return tuple(
            (c.name, c.queued, len(journals[c.name]), c.crashes, c.restarts)
            for c in self.supervisor.statistics().children
        )


TestSupervisor = SupervisorMachine.TestCase
TestSupervisor.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)

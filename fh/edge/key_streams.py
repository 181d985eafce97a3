"""The streams of one key in one environment, as its subscription keeps them."""

from collections.abc import Hashable, Iterator, Sequence
from typing import Protocol

from fh.contracts.answers import Granted
from fh.edge.connection import Connection
from fh.edge.fanout import Audience
from fh.edge.few import Few
from fh.edge.known import KnownFeatures
from fh.edge.messages import Subscribe
from fh.edge.poll import evaluation_of
from fh.edge.request import StreamForm
from fh.edge.view import caught_up
from fh.model.sdk_key import SdkKey
from fh.wire.sdk_json import Evaluation


class KeyStreamsOwner(Protocol):
    """Who wants to know when a key has fewer streams, and when the turn of one has come."""

    def audience_emptied(self) -> None:
        """Hear that an audience is empty; called from wherever its last stream left."""

    def turn_came(self, streams: "KeyStreams", connection: Connection) -> None:
        """Hear that a stream that waits for its turn may be sent its first features."""


class KeyStreams:
    """The streams of one key: those that are live, and those that wait.

    Some wait for the first answer about the key, others for their turn to be sent it.

    Attributes:
        evaluation: Who applies the strategies.
        granted: What the key was granted last; None before the first time.
        asking: Whether Dacha was asked and has not answered.
        outdated: Whether the answer under way may be too old.
        failures: How often in a row there was no answer.
    """

    __slots__ = (
        "_audiences",
        "_emptied",
        "_owner",
        "_turns",
        "_view",
        "_waiting",
        "asking",
        "evaluation",
        "failures",
        "granted",
        "key",
        "outdated",
    )

    def __init__(self, key: SdkKey, owner: KeyStreamsOwner) -> None:
        self.key = key
        self.evaluation = evaluation_of(key)
        self.granted: Granted | None = None
        self.asking = False
        self.outdated = False
        self.failures = 0
        self._owner = owner
        self._audiences: Few[Hashable, Audience] = Few()
        # What there are tens of thousands of has no empty lists.
        self._waiting: list[Subscribe] | None = None
        self._turns: dict[Connection, Subscribe] | None = None
        self._emptied: list[Audience] | None = None
        self._view: tuple[Granted, int, Granted] | None = None

    @property
    def waiting(self) -> Sequence[Subscribe]:
        """The streams that wait for the first answer."""
        return self._waiting or ()

    def wait(self, subscribe: Subscribe) -> None:
        """Let a stream wait for the first answer."""
        if self._waiting is None:
            self._waiting = []
        self._waiting.append(subscribe)

    def end_waiting(self) -> Sequence[Subscribe]:
        """Let nobody wait, neither for the answer nor for a turn; return who did."""
        waited = (*(self._turns or {}).values(), *self.waiting)
        self._turns = self._waiting = None
        return waited

    def answered(self) -> None:
        """Let nobody wait for the answer any more."""
        self._waiting = None

    def wait_for_turn(self, subscribe: Subscribe) -> None:
        """Let a stream wait for its turn."""
        if self._turns is None:
            self._turns = {}
        self._turns[subscribe.connection] = subscribe

    def find_turn(self, connection: Connection) -> Subscribe | None:
        """Return what a stream asked for that waits for its turn, None if it does not."""
        return self._turns.get(connection) if self._turns else None

    def end_turn(self, connection: Connection) -> None:
        """Let a stream wait for its turn no longer."""
        if self._turns:
            self._turns.pop(connection, None)

    def turn_came(self, connection: Connection) -> None:
        """See `Waiter`."""
        self._owner.turn_came(self, connection)

    def left(self, connection: Connection) -> None:
        """See `Waiter`."""
        self.end_turn(connection)
        if not self._turns:
            self._owner.audience_emptied()

    def forget_closed(self) -> None:
        """Let nobody wait whose client has gone."""
        self._waiting = [
            subscribe for subscribe in self.waiting if not subscribe.connection.closed
        ] or None

    def view(self, granted: Granted, known: KnownFeatures) -> Granted:
        """Return `granted` with what is known beyond it, worked out once for many streams."""
        if known.are(granted.features):
            return granted
        cached = self._view
        if cached is None or cached[0] is not granted or cached[1] != known.changes:
            cached = self._view = (granted, known.changes, caught_up(granted, known))
        return cached[2]

    def join(self, subscribe: Subscribe) -> None:
        """Serve a stream together with those that are sent the same."""
        context, form = subscribe.context, subscribe.form
        key: Hashable = ()
        if form is StreamForm.NOTICES:
            key = form
        elif self.evaluation is Evaluation.SERVER and context:
            # An SDK that evaluates for itself is sent the same whatever its context.
            key = tuple(sorted(context.items()))
        audience = self._audiences.get(key)
        if audience is None:
            audience = Audience(self, key, form, context, subscribe.context_tag)
            self._audiences.put(key, audience)
        audience.join(subscribe.connection)

    def live(self) -> list[Audience]:
        """Return the audiences that somebody is in."""
        return [audience for audience in self._audiences.values() if audience.live]

    def members(self) -> tuple[Connection, ...]:
        """Return every stream that is served."""
        return tuple(member for audience in self._audiences.values() for member in audience.members)

    def connections(self) -> Iterator[Connection]:
        """Yield every stream that is served or waits."""
        yield from self.members()
        for subscribe in (*self.waiting, *(self._turns or {}).values()):
            yield subscribe.connection

    def note_empty(self, audience: Audience) -> None:
        """See `AudienceOwner`."""
        if self._emptied is None:
            self._emptied = []
        self._emptied.append(audience)
        self._owner.audience_emptied()

    def forget_empty(self) -> None:
        """Drop the audiences that everybody left."""
        for audience in self._emptied or ():
            if not audience.live and self._audiences.get(audience.key) is audience:
                self._audiences.pop(audience.key)
        self._emptied = None

    @property
    def empty(self) -> bool:
        """Whether nobody is served or waits."""
        return not (
            self._waiting
            or self._turns
            or any(audience.live for audience in self._audiences.values())
        )


def streams_of(connection: Connection) -> KeyStreams | None:
    """Return the streams of the key that `connection` is served with; None while it waits."""
    owner = None if connection.audience is None else connection.audience.owner
    return owner if isinstance(owner, KeyStreams) else None

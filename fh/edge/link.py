"""What a parent and one of its Edge workers say to each other, over a socket between the two.

A frame is its length in four bytes, most significant first, and a JSON text. The parent speaks
first and says with what settings to begin. Values of features keep their JSON text on the way.

The parent hands every worker what the bus announces, in order, after its own Dacha has heard it. A
worker's Dacha asks the parent's for what it does not know. Announcements and answers share one
queue on their way to a worker. So an answer contains everything that the worker had been told when
it asked, for the parent's Dacha had heard that before; what was announced while the question was
under way is in the worker's hands when the answer comes, or comes after it, and the worker's Dacha
joins the two by version, as it does for a load from MR. A worker may take an answer before
announcements that came ahead of it, which only makes the answer the newer one.

Whatever does not fit in the queue is dropped, and the worker is told `Resync` in its place, as if
its bus had been away: it asks anew for all that it holds.
"""

from collections.abc import Iterator
from typing import Final, TypeAlias, TypeVar, assert_never

import msgspec
from msgspec import Raw, Struct

from fh.bus.port import Delivery, Reconnected
from fh.contracts.event_log import Undecodable, decode_event, kind_of
from fh.contracts.published import CacheServiceAccount, PublishEnvironment, encode_published
from fh.contracts.updates import StreamedFeatureUpdate
from fh.edge.census import Census, Wanted
from fh.edge.dismissal import Dismissal
from fh.edge.engine_statistics import EngineStatistics
from fh.edge.lag import LoopLag
from fh.edge.orders import Standing
from fh.errors import FeatureHubError
from fh.model.ids import EnvironmentId

MOST_FRAME_BYTES: Final = 64 * 1024 * 1024
"""What one text may have: an environment of a hundred thousand features, say."""

_LENGTH_BYTES: Final = 4

T = TypeVar("T")


class LinkFault(FeatureHubError):
    """The other side sent what it never should."""


class FrameTooLarge(FeatureHubError):
    """A text is larger than a frame may be."""


class Begin(Struct, frozen=True, tag=True):
    """The parent's first word: how to serve."""

    settings: Raw


class Announced(Struct, frozen=True, tag=True):
    """What the bus announced: its kind, its JSON text, and when it was committed."""

    kind: str
    body: Raw
    committed_at: float | None = None


class Resync(Struct, frozen=True, tag=True):
    """Announcements were missed."""


class EnvironmentFound(Struct, frozen=True, tag=True):
    """The answer to question `number`; None is a final no."""

    number: int
    environment: PublishEnvironment | None


class AccountFound(Struct, frozen=True, tag=True):
    """The answer to question `number`; None is a final no."""

    number: int
    account: CacheServiceAccount | None


class UpdateTaken(Struct, frozen=True, tag=True):
    """The update of question `number` was handed on."""

    number: int


class NotNow(Struct, frozen=True, tag=True):
    """Question `number` can't be answered for now."""

    number: int
    reason: str


class Drain(Struct, frozen=True, tag=True):
    """Take no more connections, say goodbye to every stream, and end."""


class TakeCensus(Struct, frozen=True, tag=True):
    """The parent asks who has streams at the worker."""

    number: int
    wanted: Wanted


class Dismiss(Struct, frozen=True, tag=True):
    """The parent has the worker say goodbye to streams."""

    number: int
    dismissal: Dismissal


Answered: TypeAlias = EnvironmentFound | AccountFound | UpdateTaken | NotNow
Order: TypeAlias = Standing | TakeCensus | Dismiss
FromParent: TypeAlias = Begin | Announced | Resync | Answered | Drain | Order


class FindEnvironment(Struct, frozen=True, tag=True):
    """A question of a `TruthSource`."""

    number: int
    environment_id: EnvironmentId


class FindAccount(Struct, frozen=True, tag=True):
    """A question of a `TruthSource`; with an environment, that of a `SecondLook`."""

    number: int
    secret: str
    environment_id: EnvironmentId | None = None

    def __repr__(self) -> str:
        return f"FindAccount({self.number})"


class SubmitUpdate(Struct, frozen=True, tag=True):
    """A test write on its way to MR."""

    number: int
    update: StreamedFeatureUpdate


class CensusTaken(Struct, frozen=True, tag=True):
    """The worker's answer to `TakeCensus`."""

    number: int
    census: Census


class Dismissed(Struct, frozen=True, tag=True):
    """The worker's answer to `Dismiss`: to how many streams goodbye is being said."""

    number: int
    streams: int


class Ready(Struct, frozen=True, tag=True):
    """The worker takes connections."""


class Figures(Struct, frozen=True, tag=True):
    """What the worker counted; sent every second, and so a sign of life."""

    engine: EngineStatistics
    patterns_cut_off: int
    lag: LoopLag = LoopLag()


Question: TypeAlias = FindEnvironment | FindAccount | SubmitUpdate
Report: TypeAlias = Ready | Figures | CensusTaken | Dismissed
FromWorker: TypeAlias = Question | Report

_FROM_PARENT: "Final[msgspec.json.Decoder[FromParent]]" = msgspec.json.Decoder(FromParent)
_FROM_WORKER: "Final[msgspec.json.Decoder[FromWorker]]" = msgspec.json.Decoder(FromWorker)


def encode_frame(message: FromParent | FromWorker) -> bytes:
    """Return `message` as it travels.

    Raises:
        FrameTooLarge: its text is larger than the other side takes.
    """
    text = msgspec.json.encode(message)
    if len(text) > MOST_FRAME_BYTES:
        raise FrameTooLarge(f"{type(message).__name__} has {len(text)} bytes")
    return len(text).to_bytes(_LENGTH_BYTES, "big") + text


def encode_delivery(delivery: Delivery, committed_at: float | None = None) -> bytes:
    """Return what the bus brought as it travels to workers.

    Raises:
        FrameTooLarge: its text is larger than a worker takes.
    """
    if isinstance(delivery, Reconnected):
        return encode_frame(Resync())
    return encode_frame(Announced(kind_of(delivery), Raw(encode_published(delivery)), committed_at))


def decode_delivery(message: Announced | Resync) -> Delivery:
    """Return what the bus brought.

    Raises:
        LinkFault: there is no such kind, or the text is none of it.
    """
    match message:
        case Resync():
            return Reconnected()
        case Announced(kind, body, _):
            try:
                return decode_event(kind, bytes(body))
            except Undecodable as fault:
                raise LinkFault(str(fault)) from fault
        case _:
            assert_never(message)


def decode_from_parent(text: bytes) -> FromParent:
    """Return what the parent says in the text of a frame.

    Raises:
        LinkFault: nothing that a parent says.
    """
    return _decoded(_FROM_PARENT, text)


def decode_from_worker(text: bytes) -> FromWorker:
    """Return what a worker says in the text of a frame.

    Raises:
        LinkFault: nothing that a worker says.
    """
    return _decoded(_FROM_WORKER, text)


class FrameReader:
    """Cuts what arrives into the texts of frames."""

    def __init__(self, most_bytes: int = MOST_FRAME_BYTES) -> None:
        self._most_bytes = most_bytes
        self._received = bytearray()

    def receive(self, data: bytes) -> Iterator[bytes]:
        """Take what arrived and yield the texts that are whole by now; take them all.

        Raises:
            LinkFault: a frame is too large; there is no way to go on.
        """
        received = self._received
        received += data
        start = 0
        try:
            while len(received) - start >= _LENGTH_BYTES:
                begin = start + _LENGTH_BYTES
                size = int.from_bytes(received[start:begin], "big")
                if size > self._most_bytes:
                    raise LinkFault(f"a frame of {size} bytes")
                if len(received) < begin + size:
                    return
                start = begin + size
                yield bytes(received[begin:start])
        finally:
            del received[:start]


def _decoded(decoder: "msgspec.json.Decoder[T]", text: bytes) -> T:
    try:
        return decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as fault:
        # Its text may quote what was sent, and so a key.
        raise LinkFault(f"a frame can't be decoded: {type(fault).__name__}") from None

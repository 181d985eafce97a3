"""From messages to events; what can't be read is counted, told, put aside, and ends nothing."""

from collections.abc import Collection
from functools import partial
from typing import NamedTuple

import structlog
import trio

from fh.aio import Island
from fh.bus.events import BusEvent, Pair, decode_event, pair_of, sequence_of
from fh.bus.message import Message
from fh.bus.nats_connection import NatsConnection
from fh.bus.nats_settings import NatsSettings
from fh.bus.poison import Allowance, dead_letter
from fh.errors import Unavailable
from fh.wire.cloudevents import CloudEvent, MalformedEvent, decode

log = structlog.get_logger()

_MOST_TOLD = 100  # kinds that are remembered, so that each is told once
_LONGEST_REASON = 200
_LONGEST_NAME = 100


class Read(NamedTuple):
    """An event, MR's number for it, and when it came to be, in seconds since 1970."""

    event: BusEvent
    sequence: int
    at: float | None


class NatsReader:
    """Reads messages.

    Attributes:
        unreadable: Messages that could not be read.
        put_aside: How many of them went to the subject for dead letters.
        unhandled: Messages of a kind that the contract knows, but not for whoever reads here.
        unknown: Messages of a kind that it does not know.
    """

    def __init__(self, island: Island, connection: NatsConnection, settings: NatsSettings) -> None:
        self._island = island
        self._connection = connection
        self._settings = settings
        self._allowance = Allowance(settings.dead_letters_per_second)
        self._told_kinds: set[Pair] = set()
        self.unreadable = 0
        self.put_aside = 0
        self.unhandled = 0
        self.unknown = 0

    async def read(self, message: Message, wanted: Collection[Pair]) -> Read | None:
        """Return what is in `message`, or None if it is none of the `wanted`."""
        try:
            event = decode(message.headers, message.data)
            decoded = None
            if pair_of(event) in wanted:
                decoded = decode_event(event, self._settings.most_json_bytes)
        except MalformedEvent as fault:
            self.unreadable += 1
            if self._allowance.take(trio.current_time()):
                await self._put_aside(message, str(fault)[:_LONGEST_REASON])
            return None
        if decoded is None:
            self._leave_alone(event, message)
            return None
        at = None if event.time is None else event.time.timestamp()
        return Read(decoded, sequence_of(event), at)

    def _leave_alone(self, event: CloudEvent, message: Message) -> None:
        if pair_of(event) is None:
            self.unknown += 1
            told = "bus_event_unknown"
        else:
            self.unhandled += 1
            told = "bus_event_not_handled_here"
        kind = (event.type[:_LONGEST_NAME], event.subject[:_LONGEST_NAME])
        if kind not in self._told_kinds and len(self._told_kinds) < _MOST_TOLD:
            self._told_kinds.add(kind)
            log.info(told, channel=message.subject, type=kind[0], subject=kind[1])

    async def _put_aside(self, message: Message, reason: str) -> None:
        suppressed, self._allowance.suppressed = self._allowance.suppressed, 0
        log.warning(
            "bus_message_unreadable",
            channel=message.subject,
            reason=reason,
            size_bytes=message.size_bytes,
            more=suppressed,
        )
        subject = self._settings.dead_letter_subject
        if not subject:
            return
        try:
            link = self._connection.link
            letter = dead_letter(subject, message, reason, link.most_bytes)
            await self._island.call(partial(link.send, letter))
        except Unavailable as away:
            log.debug("dead_letter_lost", reason=str(away))
        else:
            self.put_aside += 1

"""What stands between two processes and may fail: cut, silent, slow, or losing messages of NATS."""

import random
import socket
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass

import trio

_PIECE = 65_536
_BACKLOG = 64
_GREETING = b"INFO "
_BROKEN = (trio.BrokenResourceError, trio.ClosedResourceError, OSError)


@dataclass(frozen=True, slots=True)
class Losses:
    """Which share of the messages that NATS delivers has which fate."""

    dropped: float = 0.0
    doubled: float = 0.0
    delayed: float = 0.0
    delay_seconds: float = 0.5


class Proxy:
    """Listens on `port` for what is meant for `target`. Everything passes until told otherwise."""

    def __init__(self, target: int, source: random.Random):
        self.target = target
        self._random = source
        listener = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
        listener.setblocking(False)
        self._listener = trio.SocketListener(trio.socket.from_stdlib_socket(listener))
        self._streams: set[trio.SocketStream] = set()
        self._passes = trio.Event()
        self._passes.set()
        self._is_cut = False
        self._delay_seconds = 0.0
        self._losses: Losses | None = None
        self.lost = 0
        self.port = listener.getsockname()[1]

    async def run(self) -> None:
        """Pass on until cancelled."""
        await trio.serve_listeners(self._serve, [self._listener])

    async def cut(self) -> None:
        """End all connections, and each new one at once."""
        self._is_cut = True
        for stream in list(self._streams):
            await trio.aclose_forcefully(stream)

    def hold(self) -> None:
        """Keep all connections and pass nothing on: as a firewall that drops packets."""
        self._passes = trio.Event()

    def delay(self, seconds: float) -> None:
        """Pass everything on so much later."""
        self._delay_seconds = seconds

    def lose(self, losses: Losses) -> None:
        """Lose messages of NATS on all connections, those that exist too."""
        self._losses = losses

    def heal(self) -> None:
        """Be as at the start; what was held passes now."""
        self._is_cut = False
        self._delay_seconds = 0.0
        self._losses = None
        self._passes.set()

    async def _serve(self, client: trio.SocketStream) -> None:
        if self._is_cut:
            return
        try:
            server = await trio.open_tcp_stream("127.0.0.1", self.target)
        except OSError:
            return
        self._streams |= {client, server}
        try:
            async with client, server, trio.open_nursery() as nursery:
                nursery.start_soon(self._pass_on, client, server, nursery.cancel_scope)
                nursery.start_soon(self._pass_back, server, client, nursery.cancel_scope)
        finally:
            self._streams -= {client, server}

    async def _pass_on(
        self, source: trio.SocketStream, sink: trio.SocketStream, scope: trio.CancelScope
    ) -> None:
        try:
            while data := await source.receive_some(_PIECE):
                await self._hand(data, sink)
        except _BROKEN:
            pass
        scope.cancel()

    async def _pass_back(
        self, source: trio.SocketStream, sink: trio.SocketStream, scope: trio.CancelScope
    ) -> None:
        """As _pass_on, message by message while some are to be lost."""
        late: list[tuple[float, bytes]] = []
        turn = trio.Lock()

        async def send(data: bytes) -> None:
            async with turn:
                await self._hand(data, sink)

        async def send_late() -> None:
            try:
                while True:
                    await trio.sleep(0.02)
                    due = [each for each in late if each[0] <= trio.current_time()]
                    for each in due:
                        late.remove(each)
                        await send(each[1])
            except _BROKEN:
                scope.cancel()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(send_late)
            with suppress(*_BROKEN):
                async with aclosing(_frames(source)) as frames:
                    async for data, is_message in frames:
                        losses = self._losses
                        fate = self._random.random()
                        if losses is None or not is_message:
                            await send(data)
                        elif fate < losses.dropped:
                            self.lost += 1
                        elif fate < losses.dropped + losses.doubled:
                            await send(data + data)
                        elif fate < losses.dropped + losses.doubled + losses.delayed:
                            seconds = self._random.uniform(0, losses.delay_seconds)
                            late.append((trio.current_time() + seconds, data))
                        else:
                            await send(data)
            scope.cancel()
            nursery.cancel_scope.cancel()

    async def _hand(self, data: bytes, sink: trio.SocketStream) -> None:
        if self._delay_seconds:
            await trio.sleep(self._delay_seconds)
        await self._passes.wait()
        await sink.send_all(data)


async def _frames(source: trio.SocketStream) -> AsyncGenerator[tuple[bytes, bool], None]:
    """Yield what a server says, the messages of NATS one by one; other protocols pass as bytes."""
    held = b""
    speaks_nats: bool | None = None
    while data := await source.receive_some(_PIECE):
        held += data
        if speaks_nats is None and not _GREETING.startswith(held):
            speaks_nats = held.startswith(_GREETING)
        if speaks_nats is None:
            continue
        if not speaks_nats:
            yield held, False
            held = b""
            continue
        while (end := held.find(b"\r\n")) >= 0:
            line = held[:end]
            size = end + 2
            is_message = line.startswith((b"MSG ", b"HMSG "))
            if is_message:
                size += int(line.rpartition(b" ")[2]) + 2
                if len(held) < size:
                    break
            yield held[:size], is_message
            held = held[size:]
    if held:
        yield held, False

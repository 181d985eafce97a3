"""One port for several processes, and for nobody else."""

import os
import socket
from contextlib import closing

import pytest
import trio

from fh.edge.door import Door, PortTaken, hold, listen, reserve
from fh.edge.settings import EdgeSettings

HOST = "127.0.0.1"
SETTINGS = EdgeSettings()


def port_of(reserved: socket.socket) -> int:
    return int(reserved.getsockname()[1])


def accepted(listener: socket.socket) -> int:
    """Return how many connections wait at a listener."""
    count = 0
    while True:
        try:
            connection, _ = listener.accept()
        except BlockingIOError:
            return count
        connection.close()
        count += 1


def test_a_reserved_port_is_shared_by_those_who_mean_to() -> None:
    with closing(reserve(HOST, 0)) as reserved:
        port = port_of(reserved)
        with (
            closing(listen(HOST, port, SETTINGS, shared=True)) as one,
            closing(listen(HOST, port, SETTINGS, shared=True)) as two,
        ):
            clients = [socket.create_connection((HOST, port)) for _ in range(64)]
            counts = accepted(one), accepted(two)
            for client in clients:
                client.close()
    # Nobody is dealt to the socket that only keeps the port.
    assert sum(counts) == 64
    assert min(counts) > 0


def test_a_reserved_port_answers_nobody() -> None:
    with closing(reserve(HOST, 0)) as reserved, pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, port_of(reserved)))


def test_nobody_else_gets_a_reserved_port() -> None:
    with closing(reserve(HOST, 0)) as reserved:
        port = port_of(reserved)
        with pytest.raises(PortTaken):
            reserve(HOST, port)
        with pytest.raises(PortTaken):
            listen(HOST, port, SETTINGS)


def test_a_port_in_use_can_t_be_reserved() -> None:
    with closing(listen(HOST, 0, SETTINGS)) as listener, pytest.raises(PortTaken):
        reserve(HOST, port_of(listener))


def test_another_server_s_workers_keep_their_port() -> None:
    with closing(reserve(HOST, 0)) as reserved:
        port = port_of(reserved)
        with closing(listen(HOST, port, SETTINGS, shared=True)):
            reserved.close()
            with pytest.raises(PortTaken):
                reserve(HOST, port)


def test_what_is_left_of_closed_connections_keeps_nobody_from_the_port() -> None:
    with closing(reserve(HOST, 0)) as reserved:
        port = port_of(reserved)
        with closing(listen(HOST, port, SETTINGS, shared=True)) as listener:
            client = socket.create_connection((HOST, port))
            served, _ = listener.accept()
            served.close()  # first: it is the server's end that stays behind
            assert client.recv(1) == b""
            client.close()
    again = reserve(HOST, port)
    assert port_of(again) == port
    again.close()


@pytest.mark.parametrize("host", ["", "::1", "127.0.0.1"])
def test_a_port_is_reserved_at_every_kind_of_address(host: str) -> None:
    if (host == "::1" or not host) and not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 on this machine")
    with closing(reserve(host, 0)) as reserved:
        port = port_of(reserved)
        with closing(listen(host, port, SETTINGS, shared=True)) as listener:
            target = host or "127.0.0.1"
            socket.create_connection((target, port)).close()
            assert accepted(listener) == 1


async def test_a_held_port_refuses_everybody_until_its_door_opens() -> None:
    adopted: list[int] = []
    held = hold(HOST, 0, SETTINGS)
    door = Door(held, adopted.append, descriptors=1 << 20)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, door.port))
    for other in (lambda: hold(HOST, door.port, SETTINGS), lambda: reserve(HOST, door.port)):
        with pytest.raises(PortTaken):
            other()
    async with trio.open_nursery() as nursery:
        await nursery.start(door.run)
        with closing(socket.create_connection((HOST, door.port))), trio.fail_after(10):
            while not adopted:
                await trio.lowlevel.checkpoint()
        with pytest.raises(PortTaken):
            hold(HOST, door.port, SETTINGS)
        nursery.cancel_scope.cancel()
    os.close(adopted[0])
    door.close()


def test_an_address_of_somebody_else_is_refused() -> None:
    with pytest.raises(OSError, match=r"."):
        reserve("192.0.2.1", 0)

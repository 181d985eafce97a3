import trio
from trio.testing import wait_all_tasks_blocked

from fh.edge.connection import Connection, Phase
from fh.edge.connections import Connections
from fh.edge.relay import Bearer, Relay


def as_stream(connection: Connection, connections: Connections) -> None:
    connection.phase = Phase.STREAM
    connections.begin_stream()


async def test_sockets_are_found_by_their_descriptors_and_relays_are_counted_with_them(
    nursery: trio.Nursery,
) -> None:
    connections = Connections()
    socket, stream, relay = Connection(3), Connection(9), Relay(lambda _: None, Bearer.SOCKET)
    for connection in (socket, stream, relay):
        connections.add(connection)
    as_stream(stream, connections)
    as_stream(relay, connections)
    assert connections.find(3) is socket
    assert connections.find(5) is None
    assert [*connections] == [socket, stream, relay]
    assert connections.of_streams() == [stream, relay]
    assert (connections.open, connections.streams) == (3, 2)
    assert connections.counts() == {
        "connections": 3,
        "accepted": 2,
        "streams": 2,
        "opened": 2,
        "goodbyes": 0,
        "relayed": 0,
        "sockets": 1,
    }

    left = trio.Event()

    async def wait() -> None:
        await connections.wait_relays_left()
        left.set()

    nursery.start_soon(wait)
    connections.remove(stream)
    connections.remove(socket)
    await wait_all_tasks_blocked()
    assert not left.is_set()
    connections.remove(relay)
    await left.wait()
    assert [*connections] == []
    assert (connections.open, connections.streams) == (0, 0)

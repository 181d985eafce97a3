"""A poll notices what an SDK must never be answered."""

import json
from pathlib import Path

import pytest
import trio

from tests.e2e.admin import Admin, Project
from tests.e2e.role_process import RoleProcess
from tests.faults.poll import Poll
from tests.faults.tenant import Tenant
from tests.faults.watch import Ledger


class Edge(RoleProcess):
    """A port, and the process that is supposed to be behind it."""

    pid = 7


def answer(status: int, version: int = 0) -> bytes:
    feature = {"key": "a", "version": version, "value": version}
    body = json.dumps([{"id": "env", "features": [feature] if version else []}])
    head = f'HTTP/1.1 {status} X\r\netag: "{version}"\r\ncontent-length: {len(body)}\r\n\r\n'
    return f"{head}{body}".encode()


async def polled(nursery: trio.Nursery, *answers: bytes) -> tuple[Poll, Ledger, list[bytes]]:
    """Return a poll that was given `answers` over one connection, and what it had asked."""
    asked: list[bytes] = []
    done = trio.Event()

    async def serve(stream: trio.SocketStream) -> None:
        for each in answers:
            asked.append(await stream.receive_some())
            for byte in each:  # however it is cut
                await stream.send_all(bytes([byte]))
        asked.append(await stream.receive_some())
        done.set()
        await trio.sleep_forever()

    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(trio.serve_listeners, serve, [listener])
    edge = Edge("edge", Path())
    edge.port = listener.socket.getsockname()[1]
    ledger = Ledger()
    project = Project(Admin("http://127.0.0.1:1"), "", "", "", "env/client*key", "env/server")
    poll = Poll("poll", edge, Tenant(0, project), project.server_key, ledger)
    nursery.start_soon(poll.run)
    with trio.fail_after(5):
        await done.wait()
    return poll, ledger, asked


async def test_answers_are_held_and_asked_for_with_their_etag(nursery: trio.Nursery) -> None:
    unchanged = b"HTTP/1.1 304 X\r\n\r\n"
    poll, ledger, asked = await polled(nursery, answer(200, 1), unchanged, answer(200, 2))
    assert poll.versions == {"a": 2}
    assert (ledger.polls, ledger.complaints) == (3, [])
    assert b'if-none-match: "1"' in asked[2]
    assert b'if-none-match: "2"' in asked[3]


@pytest.mark.parametrize(
    "answers",
    [
        [answer(404)],
        [answer(400)],
        [answer(200)],
        [answer(200, 2), answer(200, 1)],
        [answer(200, 1), answer(503)],
    ],
    ids=["404", "400", "nothing", "back", "not any more"],
)
async def test_what_nobody_should_be_answered_is_noted(
    nursery: trio.Nursery, answers: list[bytes]
) -> None:
    _, ledger, _ = await polled(nursery, *answers)
    assert len(ledger.complaints) == 1


async def test_one_that_knows_nothing_yet_may_refuse(nursery: trio.Nursery) -> None:
    _, ledger, _ = await polled(nursery, answer(503), answer(200, 1))
    assert (ledger.refused_polls, ledger.complaints) == (1, [])

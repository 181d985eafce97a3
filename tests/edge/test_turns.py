"""A broadcast shares the process: a poll meanwhile waits for a few turns of it, not for all."""

import pytest
import trio
from edge_under_test import ENVIRONMENT, SERVER_KEY, MemoryLookup, boolean, edge_under_test, granted

STREAMS = 100
MOST_TURNS = 20
"""Two of the server's; the rest are the client's, which runs in the same loop here."""


async def test_a_poll_during_a_broadcast_waits_for_few_of_its_writes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fh.edge.fanout._AT_ONCE", 0)
    monkeypatch.setattr("fh.edge.fanout._WRITES_PER_TURN", 1)
    lookup = MemoryLookup({SERVER_KEY: granted([boolean("dark", True)])})
    poll = f"GET /features?apiKey={ENVIRONMENT}/{SERVER_KEY.secret} HTTP/1.1\r\nhost: x\r\n\r\n"
    async with edge_under_test(lookup) as edge:
        streams = [await edge.open_stream() for _ in range(STREAMS)]
        client = await edge.connect()
        for stream in streams:
            await stream.event()
            await stream.event()
        await edge.announce(boolean("dark", False, version=2))
        before = edge.edge.statistics().deliveries
        await client.send(poll.encode())
        status, _, _ = await client.answer()
        waited = edge.edge.statistics().deliveries - before
        assert status == 200
        assert waited <= MOST_TURNS
        assert edge.edge.is_writing
        with trio.fail_after(10):
            assert [(await stream.event())[0] for stream in streams] == ["feature"] * STREAMS

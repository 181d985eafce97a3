"""Edge ends with every request answered that it has taken."""

import json

import pytest
import trio
from edge_under_test import SERVER_KEY, MemoryLookup, boolean, edge_under_test, granted
from trio.testing import wait_all_tasks_blocked

from fh.edge import farewells

POLL = (
    f"GET /features?apiKey={SERVER_KEY.environment_id}/{SERVER_KEY.secret} HTTP/1.1\r\n"
    "Host: x\r\n\r\n"
).encode()


def lookup(*, loads: bool = False) -> MemoryLookup:
    known = MemoryLookup({SERVER_KEY: granted([boolean("dark", True)])})
    if loads:
        known.cold, known.gate = True, trio.Event()
    return known


async def test_a_poll_that_waits_for_its_environment_is_answered_before_the_end() -> None:
    known = lookup(loads=True)
    async with edge_under_test(known, grace_seconds=60) as under_test:
        client = await under_test.connect()
        await client.send(POLL)
        with trio.fail_after(5):
            while not known.asked:
                await wait_all_tasks_blocked()
        under_test.edge.drain()
        assert known.gate is not None
        known.gate.set()
        status, _, body = await client.answer()
        assert (status, json.loads(body)[0]["features"][0]["key"]) == (200, "dark")
        assert await client.until_closed() == b""


async def test_whoever_has_just_connected_may_still_ask(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(farewells, "LAST_WORDS_SECONDS", 60)
    async with edge_under_test(lookup()) as under_test:
        client = await under_test.connect()
        while under_test.edge.statistics().connections != 1:
            await trio.lowlevel.checkpoint()
        under_test.edge.drain()
        await wait_all_tasks_blocked()
        await client.send(POLL[:30])
        await wait_all_tasks_blocked()
        await client.send(POLL[30:])
        status, _, _ = await client.answer()
        assert status == 200


async def test_a_connection_between_two_polls_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(farewells, "LAST_WORDS_SECONDS", 60)
    async with edge_under_test(lookup(), grace_seconds=60) as under_test:
        idle = await under_test.connect()
        for _ in range(3):  # The first is answered the long way, the last the short one.
            await idle.send(POLL)
            assert (await idle.answer())[0] == 200
        under_test.edge.drain()
        assert await idle.until_closed() == b""


async def test_those_who_never_ask_and_answers_that_never_come_hold_up_no_longer_than_allowed() -> (
    None
):
    known = lookup(loads=True)
    async with edge_under_test(known, grace_seconds=1) as under_test:
        silent = await under_test.connect()
        waiting = await under_test.connect()
        await waiting.send(POLL)
        await wait_all_tasks_blocked()
        under_test.edge.drain()
        assert await silent.until_closed() == b""
        assert await waiting.until_closed() == b""

"""Polls that come again: answered the short way, and never other than the long way would."""

import gc
import weakref

import pytest
import trio
from edge_under_test import (
    CLIENT_KEY,
    SERVER_KEY,
    Client,
    EdgeUnderTest,
    MemoryLookup,
    boolean,
    edge_under_test,
    granted,
    targeted_at,
)
from msgspec.structs import replace

from fh.contracts.answers import Denied, NotReady
from fh.dacha.dacha import Dacha
from fh.dacha.settings import DachaSettings
from fh.edge.repeated import RepeatedPolls
from fh.edge.response import EncodedAnswer

HEAD = b"GET /features?apiKey=1 HTTP/1.1\r\nHost: x\r\n\r\n"
ANSWER = EncodedAnswer(b"HTTP/1.1 200 OK\r\ndate: ", b"\r\n\r\n")


def poll(key=CLIENT_KEY, headers: str = "") -> bytes:
    return (
        f"GET /features?apiKey={key.environment_id}/{key.secret} HTTP/1.1\r\n"
        f"Host: x\r\n{headers}\r\n"
    ).encode()


def flags() -> MemoryLookup:
    view = granted([boolean("dark", True)])
    return MemoryLookup({CLIENT_KEY: view, SERVER_KEY: view})


async def asked(client: Client, request: bytes):
    await client.send(request)
    return await client.answer()


async def remembered(edge: EdgeUnderTest, request: bytes) -> Client:
    """Return a connection on which `request` was sent until it is answered the short way."""
    client = await edge.connect()
    for _ in range(3):
        await asked(client, request)
    assert edge.edge.life is not None
    assert edge.edge.life.answer_again(request) is not None
    return client


def without_date(answer):
    status, headers, body = answer
    return status, {name: value for name, value in headers.items() if name != "date"}, body


# The table ------------------------------------------------------------------------------------


def known(lookup: MemoryLookup, **bounds: int) -> RepeatedPolls:
    polls = RepeatedPolls(lookup, **bounds)
    polls.remember(HEAD, lookup.answers.items(), ANSWER)
    return polls


def test_it_is_answered_again_only_for_the_very_same_view() -> None:
    lookup = flags()
    polls = known(lookup)
    lookup.answers[CLIENT_KEY] = replace(lookup.answers[CLIENT_KEY])
    assert polls.answer(HEAD) is None


@pytest.mark.parametrize("now", [None, Denied(), NotReady("loading")])
def test_a_view_that_is_gone_answers_nothing_and_is_not_kept_alive(now) -> None:
    lookup = MemoryLookup({CLIENT_KEY: granted([boolean("dark", True)])})
    gone = weakref.ref(lookup.answers[CLIENT_KEY])
    polls = known(lookup)
    lookup.answers[CLIENT_KEY] = now
    lookup.cold = now is None
    gc.collect()
    assert gone() is None
    assert polls.answer(HEAD) is None


# Edge -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", ["", "origin: http://a\r\n", "x-featurehub: userkey=fred\r\n"])
async def test_the_short_way_answers_like_the_long_one(headers: str) -> None:
    async with edge_under_test(flags()) as edge:
        first = await asked(await edge.connect(), poll(headers=headers))
        client = await remembered(edge, poll(headers=headers))
        assert without_date(await asked(client, poll(headers=headers))) == without_date(first)
        held = poll(headers=f"{headers}if-none-match: {first[1]['etag']}\r\n")
        client = await remembered(edge, held)
        status, answered, body = await asked(client, held)
        assert (status, answered["etag"], body) == (304, first[1]["etag"], b"")


async def test_a_change_is_seen_by_the_next_poll() -> None:
    async with edge_under_test(flags()) as edge:
        client = await remembered(edge, poll())
        edge.lookup.answers[CLIENT_KEY] = granted([boolean("dark", False, version=2)])
        assert b'"version":2' in (await asked(client, poll()))[2]
        edge.lookup.answers[CLIENT_KEY] = Denied()
        assert (await asked(client, poll()))[0] == 404
        edge.lookup.answers[CLIENT_KEY] = NotReady("loading")
        assert (await asked(client, poll()))[0] == 503


async def test_an_unknown_key_is_refused_the_short_way_until_it_is_known() -> None:
    denied = Denied()
    async with edge_under_test(MemoryLookup({CLIENT_KEY: denied})) as edge:
        client = await remembered(edge, poll())
        assert (await asked(client, poll()))[0] == 404
        assert edge.lookup.asked == 0
        edge.lookup.answers[CLIENT_KEY] = granted([boolean("dark", True)])
        assert (await asked(client, poll()))[0] == 200


class NothingKnown:
    """An MR that knows no key, and counts how often it is asked."""

    questions = 0

    async def load_environment(self, environment_id):
        raise AssertionError("no account, no question about an environment")

    async def load_account(self, secret):
        await trio.lowlevel.checkpoint()
        self.questions += 1


async def test_bad_keys_cost_mr_one_question_each_and_edge_no_task(
    nursery: trio.Nursery,
) -> None:
    truth = NothingKnown()
    dacha = Dacha(truth, DachaSettings())
    await nursery.start(dacha.run)
    async with edge_under_test(dacha.lookup) as edge:
        client = await edge.connect()
        assert (await asked(client, poll()))[0] == 404
        for _ in range(3):
            assert (await asked(client, poll()))[0] == 404
        tasks = trio.lowlevel.current_statistics().tasks_living
        await client.send(poll() * 200)
        statuses = [(await client.answer())[0] for _ in range(200)]
        assert statuses == [404] * 200
        assert trio.lowlevel.current_statistics().tasks_living == tasks
        malformed = await edge.connect()
        await malformed.send(b"GET /features?apiKey=what HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await malformed.answer())[0] == 404
    assert truth.questions == 1
    nursery.cancel_scope.cancel()


async def test_what_depends_on_the_context_is_evaluated_each_time() -> None:
    # A rule may ask for the time.
    view = granted([targeted_at("userkey", "fred", b'"for fred"'), boolean("dark", True)])
    async with edge_under_test(MemoryLookup({SERVER_KEY: view})) as edge:
        client = await edge.connect()
        bodies = {}
        for user in ("fred", "joe") * 3:
            request = poll(SERVER_KEY, f"x-featurehub: userkey={user}\r\n")
            _, _, bodies[user] = await asked(client, request)
            assert edge.edge.life is not None
            assert edge.edge.life.answer_again(request) is None
        assert b"for fred" in bodies["fred"]
        assert b"for fred" not in bodies["joe"]
        assert bodies["joe"].count(b'"key":"dark"') == 1


async def test_pipelined_polls_are_answered_in_order_whichever_way() -> None:
    other = poll(SERVER_KEY, "x-other: 1\r\n")
    async with edge_under_test(flags()) as edge:
        client = await remembered(edge, poll())
        await client.send(poll() * 3 + other + b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"[:9])
        answers = [await client.answer() for _ in range(4)]
        assert [status for status, _, _ in answers] == [200] * 4
        await client.send(b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"[9:])
        with trio.fail_after(5):
            while not edge.elsewhere:
                await trio.testing.wait_all_tasks_blocked(0.01)


async def test_a_client_that_pipelines_and_does_not_read_is_bounded_and_served_in_the_end() -> None:
    features = [boolean(f"feature-{number}", True) for number in range(200)]
    lookup = MemoryLookup({CLIENT_KEY: granted(features)})
    async with edge_under_test(lookup) as edge:
        client = await remembered(edge, poll())
        await client.send(poll() * 100)
        answers = [await client.answer() for _ in range(100)]
        assert {status for status, _, _ in answers} == {200}
        assert len({body for _, _, body in answers}) == 1
        assert edge.edge.statistics().slow == 0


async def test_a_lookup_that_breaks_costs_one_request_only() -> None:
    class Breaking(MemoryLookup):
        broken = False

        def find_key(self, key):
            if self.broken:
                raise RuntimeError("a bug")
            return super().find_key(key)

    lookup = Breaking(flags().answers)
    async with edge_under_test(lookup) as edge:
        client = await remembered(edge, poll())
        lookup.broken = True
        assert (await asked(client, poll()))[0] == 503
        lookup.broken = False
        assert (await asked(client, poll()))[0] == 200


async def test_a_poll_that_closes_is_never_answered_the_short_way() -> None:
    request = poll(headers="connection: close\r\n")
    async with edge_under_test(flags()) as edge:
        for _ in range(4):
            client = await edge.connect()
            assert (await asked(client, request))[0] == 200
            assert await client.until_closed() == b""
        assert edge.edge.life is not None
        assert edge.edge.life.answer_again(request) is None

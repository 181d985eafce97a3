"""What remains of the table of polls: `table.py` tells which test shows the rest."""

import json
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import pytest
import trio
import trio.testing
from edge_under_test import (
    CLIENT_KEY,
    ENVIRONMENT,
    SERVER_KEY,
    MemoryLookup,
    boolean,
    edge_under_test,
    granted,
    targeted_at,
)
from strict_answers import Answer, AnswerReader

from fh.contracts.answers import KeyAnswer, NotReady
from fh.model.ids import EnvironmentId
from fh.model.roles import Role
from fh.model.sdk_key import SdkKey

OTHER = replace(
    SERVER_KEY, environment_id=EnvironmentId(UUID("95f6c09a-20e7-41e2-9014-1421682b71b1"))
)
DARK = boolean("dark", True)


async def asked(edge: Any, target: str, headers: str = "") -> Answer:
    """Return the answer to a request, read without any forgiveness."""
    client = await edge.connect()
    await client.send(f"GET {target} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode())
    reader = AnswerReader()
    with trio.fail_after(5):
        while not (reader.answers and reader.complete):
            received = await client.stream.receive_some(65536)
            assert received
            reader.feed(received)
    [answer] = reader.answers
    return answer


def target(*keys: SdkKey) -> str:
    return "/features?" + "&".join(f"apiKey={key.environment_id}/{key.secret}" for key in keys)


def if_none_match(answer: Answer) -> str:
    return f"if-none-match: {answer.headers['etag']}\r\n"


def features(answer: Answer) -> list[list[dict[str, Any]]]:
    return [environment["features"] for environment in json.loads(answer.body)]


async def test_no_key_is_400_and_no_usable_one_404() -> None:
    async with edge_under_test(MemoryLookup({SERVER_KEY: granted([])})) as edge:
        for wrong, status in (
            ("/features", 400),
            ("/features?apiKey=", 404),
            ("/features?apiKey=x&apiKey=y/z", 404),
            (target(OTHER), 404),
            (target(OTHER, replace(SERVER_KEY, secret="u")), 404),
        ):
            answer = await asked(edge, wrong)
            assert (answer.status, "etag" in answer.headers) == (status, False)


async def test_304_for_one_key_and_for_two_and_then_nothing_else() -> None:
    newer = granted([boolean("dark", True, version=2)])
    lookup = MemoryLookup({SERVER_KEY: granted([DARK]), OTHER: newer})
    async with edge_under_test(lookup) as edge:
        for keys in ((SERVER_KEY,), (SERVER_KEY, OTHER)):
            first = await asked(edge, target(*keys))
            again = await asked(edge, target(*keys), if_none_match(first))
            assert (first.status, again.status, again.body) == (200, 304, b"")
            assert again.headers.keys() == {"date", "etag", "cache-control"}
            assert again.headers["etag"] == first.headers["etag"]
        # The tags of more keys, of fewer, or of the same in another order say nothing.
        for keys in ((SERVER_KEY,), (OTHER, SERVER_KEY)):
            assert (await asked(edge, target(*keys), if_none_match(first))).status == 200


async def test_one_key_that_changed_brings_everything_for_all() -> None:
    lookup = MemoryLookup({key: granted([DARK]) for key in (SERVER_KEY, OTHER)})
    async with edge_under_test(lookup) as edge:
        first = await asked(edge, target(SERVER_KEY, OTHER))
        lookup.answers[OTHER] = granted([boolean("dark", False, version=2)])
        again = await asked(edge, target(SERVER_KEY, OTHER), if_none_match(first))
    assert again.status == 200
    assert [[each["version"] for each in found] for found in features(again)] == [[1], [2]]


async def test_extended_data_given_or_taken_is_another_etag() -> None:
    feature = boolean("dark", True, properties={"a": "b"})
    plain, extended = (
        granted([feature], roles=roles) for roles in ([Role.READ], [Role.READ, Role.EXTENDED_DATA])
    )
    lookup = MemoryLookup({SERVER_KEY: plain})
    async with edge_under_test(lookup) as edge:
        first = await asked(edge, target(SERVER_KEY))
        lookup.answers[SERVER_KEY] = extended
        second = await asked(edge, target(SERVER_KEY), if_none_match(first))
        lookup.answers[SERVER_KEY] = plain
        third = await asked(edge, target(SERVER_KEY), if_none_match(second))
    assert [answer.status for answer in (first, second, third)] == [200] * 3
    assert [features(answer)[0][0].get("fp") for answer in (first, second, third)] == [
        None,
        {"a": "b"},
        None,
    ]
    etags = [answer.headers["etag"] for answer in (first, second, third)]
    digest = first.headers["etag"][1:33]
    assert etags == [f'"{digest}0"', f'"{digest}1"', f'"{digest}0"']


async def test_properties_and_information_are_no_part_of_the_etag() -> None:
    # Ruling 39: a digest of them would differ from what other implementations write.
    roles = [Role.READ, Role.EXTENDED_DATA]
    lookup = MemoryLookup({SERVER_KEY: granted([DARK], roles=roles)})
    async with edge_under_test(lookup) as edge:
        first = await asked(edge, target(SERVER_KEY))
        lookup.answers[SERVER_KEY] = granted(
            [boolean("dark", True, properties={"a": "b"})], roles=roles, info={"x": "y"}
        )
        assert (await asked(edge, target(SERVER_KEY), if_none_match(first))).status == 304


async def test_the_name_of_a_cache_makes_no_other_key() -> None:
    async with edge_under_test(MemoryLookup({SERVER_KEY: granted([DARK])})) as edge:
        key = f"{ENVIRONMENT}/{SERVER_KEY.secret}"
        answer = await asked(
            edge, f"/features?apiKey={key}&apiKey=default/{key}&apiKey={key.replace('/', '%2f')}"
        )
    assert len(features(answer)) == 1
    assert ";" not in answer.headers["etag"]


async def test_the_old_name_of_the_parameter_wins() -> None:
    async with edge_under_test(MemoryLookup({SERVER_KEY: granted([DARK])})) as edge:
        known, unknown = f"{ENVIRONMENT}/{SERVER_KEY.secret}", f"{OTHER.environment_id}/x"
        for query, status in (
            (f"sdkUrl={known}&apiKey={unknown}", 200),
            (f"apiKey={known}&sdkUrl={unknown}", 404),
            (f"apiKey={known}&contextSha=0", 200),
            (f"apiKey={known}&contextSha=%00%ff", 200),
        ):
            assert (await asked(edge, f"/features?{query}")).status == status


async def test_who_evaluates_is_decided_for_each_key() -> None:
    feature = targeted_at("userkey", "fred", b'"for fred"')
    lookup = MemoryLookup({key: granted([feature]) for key in (SERVER_KEY, CLIENT_KEY)})
    async with edge_under_test(lookup) as edge:
        answer = await asked(edge, target(SERVER_KEY, CLIENT_KEY), "x-featurehub: userkey=fred\r\n")
    [[by_server], [by_client]] = features(answer)
    assert (by_server["value"], by_server["v"], "strategies" in by_server) == (
        "for fred",
        "rs1A",
        False,
    )
    assert (by_client["value"], "v" in by_client) == ("default", False)
    assert [strategy["id"] for strategy in by_client["strategies"]] == ["rs1A"]


@dataclass
class OneByOne(MemoryLookup):
    """Answers each key only when its turn has come."""

    turns: dict[SdkKey, trio.Event] = field(default_factory=dict)

    async def load_key(self, key: SdkKey) -> KeyAnswer:
        self.asked += 1
        await self.turns[key].wait()
        return self.answers[key]


async def test_answers_are_in_the_order_of_the_request_whichever_came_first() -> None:
    third = replace(SERVER_KEY, environment_id=EnvironmentId(UUID(int=3)))
    keys = (SERVER_KEY, OTHER, third)
    views = {key: granted([boolean("dark", True, version=n)]) for n, key in enumerate(keys, 1)}
    lookup = OneByOne(dict(views), cold=True, turns={key: trio.Event() for key in keys})
    async with edge_under_test(lookup) as edge, trio.open_nursery() as nursery:
        found: list[Answer] = []

        async def ask() -> None:
            found.append(await asked(edge, target(*keys)))

        nursery.start_soon(ask)
        for key in (third, SERVER_KEY, OTHER):
            with trio.fail_after(5):
                while lookup.asked < len(keys):
                    await trio.testing.wait_all_tasks_blocked(0.001)
            lookup.turns[key].set()
            await trio.testing.wait_all_tasks_blocked(0.001)
    [answer] = found
    assert [[each["version"] for each in found] for found in features(answer)] == [[1], [2], [3]]
    assert answer.headers["etag"] == '"' + ";".join(view.etag for view in views.values()) + '"'


CONTROLS = [
    # from operators, from the settings, from the team: who is heard, and who for an unknown key
    ("max-age=1", "max-age=2", "max-age=3", "max-age=1", "max-age=2"),
    (None, "max-age=2", "max-age=3", "max-age=2", "max-age=2"),
    (None, "", "max-age=3", "max-age=3", "no-store, max-age=0"),
    (None, "", None, "no-store, max-age=0", "no-store, max-age=0"),
]


@pytest.mark.parametrize(("operators", "settings", "team", "expected", "unknown"), CONTROLS)
async def test_who_decides_about_caching_whatever_the_status(
    operators: str | None, settings: str, team: str | None, expected: str, unknown: str
) -> None:
    info = {"mgmt.cacheControl": operators, "cacheControl": team}
    info = {name: value for name, value in info.items() if value is not None}
    lookup = MemoryLookup({SERVER_KEY: granted([DARK], info=info)})
    async with edge_under_test(lookup, cache_control=settings) as edge:
        first = await asked(edge, target(SERVER_KEY))
        again = await asked(edge, target(SERVER_KEY), if_none_match(first))
        nobody = await asked(edge, target(OTHER))
        lookup.answers[SERVER_KEY] = NotReady("loading")
        not_ready = await asked(edge, target(SERVER_KEY))
    statuses = [answer.status for answer in (first, again, nobody, not_ready)]
    assert statuses == [200, 304, 404, 503]
    controls = [answer.headers["cache-control"] for answer in (first, again, nobody, not_ready)]
    # What can't be answered now is never to be kept.
    assert controls == [expected, expected, unknown, "no-store, max-age=0"]


@pytest.mark.parametrize(
    "text", ["a\r\nx-forged: b", "a\nb", "a\rb", "a\0b", "\u2028", "ä", "\ud83d", "", " \t\x7f"]
)
async def test_what_a_team_writes_starts_no_header_of_its_own(text: str) -> None:
    info = {"mgmt.cacheControl": text, "cacheControl": text}
    async with edge_under_test(MemoryLookup({SERVER_KEY: granted([DARK], info=info)})) as edge:
        answer = await asked(edge, target(SERVER_KEY))
    assert answer.headers.keys() == {
        "date",
        "content-type",
        "etag",
        "cache-control",
        "content-length",
    }
    assert answer.headers["cache-control"] == "no-store, max-age=0"

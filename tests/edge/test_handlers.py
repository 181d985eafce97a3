"""Test writes on real sockets, while nothing of them comes back over the bus."""

from edge_under_test import (
    ENVIRONMENT,
    SERVER_KEY,
    Client,
    MemoryLookup,
    boolean,
    edge_under_test,
    granted,
)
from msgspec import Raw, structs

from fh.bus.errors import EventTooLarge
from fh.contracts.published import CacheEnvironmentFeature
from fh.model.feature_type import FeatureType
from fh.model.roles import Role

ALL = (Role.READ, Role.LOCK, Role.UNLOCK, Role.CHANGE_VALUE)
FLAG, LOCKED = boolean("flag", False), boolean("flag", False, locked=True)


def number(text: bytes) -> CacheEnvironmentFeature:
    assert FLAG.value is not None
    return structs.replace(
        FLAG,
        feature=structs.replace(FLAG.feature, value_type=FeatureType.NUMBER),
        value=structs.replace(FLAG.value, value=Raw(text)),
    )


def known(feature: CacheEnvironmentFeature) -> MemoryLookup:
    return MemoryLookup({SERVER_KEY: granted([feature], roles=ALL)})


async def answered(client: Client, body: bytes) -> tuple[int, dict[str, str]]:
    path = f"/features/{ENVIRONMENT}/{SERVER_KEY.secret}/flag"
    head = f"PUT {path} HTTP/1.1\r\nHost: x\r\ncontent-length: {len(body)}\r\n\r\n"
    await client.send(head.encode() + body)
    status, headers, _ = await client.answer()
    return status, headers


async def written(client: Client, body: bytes) -> int:
    return (await answered(client, body))[0]


async def test_writes_in_quick_succession_are_not_decided_by_what_was_before_the_first() -> None:
    async with edge_under_test(known(number(b"15"))) as under_test:
        client = await under_test.connect()
        assert await written(client, b'{"value":16}') == 200
        assert await written(client, b'{"value":15}') == 202
        assert await written(client, b'{"lock":true}') == 200
        assert await written(client, b'{"value":17}') == 412
        assert await written(client, b'{"lock":false,"value":18}') == 200
        assert await written(client, b'{"value":19}') == 200
        submitted = under_test.updates.submitted
        assert [bytes(each.value_number) for each in submitted if each.updating_value] == [
            b"16",
            b"15",
            b"18",
            b"19",
        ]
        assert [each.lock for each in submitted] == [None, None, True, False, None]


async def test_what_was_just_unlocked_can_be_written() -> None:
    async with edge_under_test(known(LOCKED)) as under_test:
        client = await under_test.connect()
        assert await written(client, b'{"value":true}') == 412
        assert await written(client, b'{"lock":false}') == 200
        assert await written(client, b'{"value":true}') == 200


async def test_a_lock_that_could_not_be_handed_on_is_not_taken_for_written() -> None:
    async with edge_under_test(known(LOCKED)) as under_test:
        client = await under_test.connect()
        under_test.updates.away = True
        assert await written(client, b'{"lock":false}') == 503
        under_test.updates.away = False
        assert await written(client, b'{"value":true}') == 412


async def test_while_mr_is_away_a_write_is_to_be_tried_again() -> None:
    async with edge_under_test(known(FLAG)) as under_test:
        under_test.updates.away = True
        client = await under_test.connect()
        status, headers = await answered(client, b'{"value":true}')
        assert (status, headers["retry-after"]) == (503, "1")


async def test_a_value_that_no_broker_will_ever_take_is_no_matter_of_trying_again() -> None:
    async with edge_under_test(known(FLAG)) as under_test:
        under_test.updates.fault = EventTooLarge("an update", 2, 1)
        client = await under_test.connect()
        assert await written(client, b'{"value":true}') == 413


async def test_where_the_truth_is_asked_nothing_else_counts() -> None:
    async with edge_under_test(known(FLAG), newest=known(LOCKED)) as under_test:
        client = await under_test.connect()
        assert await written(client, b'{"lock":false}') == 200
        assert await written(client, b'{"value":true}') == 412

"""Who has streams: what is counted, and what several processes found as one."""

from uuid import UUID

import msgspec
import pytest
from edge_under_test import CLIENT_KEY, ENVIRONMENT, SERVER_KEY
from hypothesis import given
from hypothesis import strategies as st

from fh.edge import census as module
from fh.edge.census import (
    Backlog,
    By,
    Census,
    Counted,
    Group,
    Laggard,
    Wanted,
    take_census,
    united,
)
from fh.edge.sdks import OTHER, Sdk
from fh.model.ids import EnvironmentId, ServiceAccountId
from fh.model.sdk_key import SdkKey
from tests.edge.test_dismissal import ELSEWHERE, WAITING, streams

PYTHON = Sdk("Python", "1.0")
ACCOUNT = ServiceAccountId(UUID(int=4))


def sdk(number: int) -> Sdk:
    return PYTHON if number == 1 else OTHER


async def found(by: By, environment_id: EnvironmentId | None = None) -> Census:
    server, client, elsewhere = (
        streams(SERVER_KEY, 3),
        streams(CLIENT_KEY, 1),
        streams(ELSEWHERE, 2),
    )
    for stream in (*server[:2], *elsewhere):
        stream.sdk = 1
    backlogs = {server[0]: Backlog(100, 2.0), elsewhere[0]: Backlog(900, 1.0)}
    return await take_census(
        [*server, *client, *elsewhere, WAITING], backlogs, sdk, Wanted(by, environment_id)
    )


async def test_streams_by_environment() -> None:
    census = await found(By.ENVIRONMENT)
    assert (census.streams, census.behind, census.waiting, census.left_out) == (7, 2, 1, 0)
    assert census.groups == (
        Counted(Group(environment_id=ENVIRONMENT), 4, 1),
        Counted(Group(environment_id=ELSEWHERE.environment_id), 2, 1),
    )
    assert census.laggards == (
        Laggard(ELSEWHERE, PYTHON, Backlog(900, 1.0)),
        Laggard(SERVER_KEY, PYTHON, Backlog(100, 2.0)),
    )


async def test_streams_of_one_environment_by_key() -> None:
    census = await found(By.KEY, ENVIRONMENT)
    assert (census.streams, census.behind, census.waiting) == (4, 1, 0)
    assert census.groups == (
        Counted(Group(key=SERVER_KEY, account_id=ACCOUNT), 3, 1),
        Counted(Group(key=CLIENT_KEY, account_id=ACCOUNT), 1, 0),
    )


async def test_streams_by_sdk() -> None:
    census = await found(By.SDK)
    assert census.groups == (
        Counted(Group(sdk=PYTHON), 4, 2),
        Counted(Group(sdk=OTHER), 2, 0),
    )


async def test_it_crosses_the_link_and_is_added_up() -> None:
    census = await found(By.KEY)
    there = msgspec.json.decode(msgspec.json.encode(census), type=Census)
    assert there == census
    both = united([census, there])
    assert (both.streams, both.behind, both.waiting) == (14, 4, 2)
    assert both.groups[0] == Counted(Group(key=SERVER_KEY, account_id=ACCOUNT), 6, 2)
    assert len(both.laggards) == 4


async def test_what_is_too_much_to_tell_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_GROUPS", 1)
    monkeypatch.setattr(module, "_MOST_LAGGARDS", 1)
    census = await found(By.KEY)
    assert [each.group.key for each in census.groups] == [SERVER_KEY]
    assert (census.streams, census.left_out, len(census.laggards)) == (7, 3, 1)
    both = united([census, census])
    assert (both.streams, both.left_out) == (14, 6)


counted = st.builds(
    Counted,
    st.builds(Group, key=st.builds(SdkKey, st.just(ENVIRONMENT), st.sampled_from("abc"))),
    st.integers(1, 9),
    st.just(0),
)


@given(st.lists(st.lists(counted, unique_by=lambda each: each.group)))
def test_no_stream_is_lost_on_the_way(processes: list[list[Counted]]) -> None:
    parts = [
        Census(streams=sum(each.streams for each in groups), groups=tuple(groups))
        for groups in processes
    ]
    both = united(parts)
    assert both.streams == sum(part.streams for part in parts)
    assert both.streams == sum(each.streams for each in both.groups)

"""Who has streams here: counted by environment, key or SDK, and who of them is behind.

It is worked out when somebody asks, from what the streams carry anyway; nothing is counted for it
meanwhile. What workers found is put together by their parent. Keys travel whole between the two,
so that those of one beginning are not taken for one, and are masked where they are shown.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from heapq import nlargest
from typing import Final, NamedTuple

import trio
from msgspec import Struct

from fh.edge.connection import Connection
from fh.edge.key_streams import KeyStreams, streams_of
from fh.edge.sdks import OTHER, Sdk
from fh.model.ids import EnvironmentId, ServiceAccountId
from fh.model.sdk_key import SdkKey

_A_TURN: Final = 2000
_MOST_GROUPS: Final = 20_000
_MOST_LAGGARDS: Final = 100


class By(StrEnum):
    """What streams are counted by."""

    ENVIRONMENT = "environment"
    KEY = "key"
    SDK = "sdk"


class Wanted(Struct, frozen=True):
    """What somebody wants to know."""

    by: By = By.ENVIRONMENT
    environment_id: EnvironmentId | None = None


class Group(NamedTuple):
    """What some streams have in common; the rest is not set."""

    environment_id: EnvironmentId | None = None
    key: SdkKey | None = None
    account_id: ServiceAccountId | None = None
    sdk: Sdk | None = None


class Counted(Struct, frozen=True):
    """A group, how many streams are in it, and how many of them have bytes that wait."""

    group: Group
    streams: int
    behind: int


class Backlog(NamedTuple):
    """What waits for a client, and for how long it has taken nothing."""

    waiting_bytes: int
    seconds: float


class Laggard(Struct, frozen=True):
    """A stream that is behind."""

    key: SdkKey
    sdk: Sdk
    backlog: Backlog


class Census(Struct, frozen=True):
    """What was found.

    Attributes:
        streams: How many there are, and how many of them are `behind`.
        waiting: How many wait for their first features; nothing is known of those.
        groups: Those with the most streams first; `left_out` could not be told one by one.
        laggards: Some that are behind, those with the most bytes first.
    """

    streams: int = 0
    behind: int = 0
    waiting: int = 0
    groups: tuple[Counted, ...] = ()
    left_out: int = 0
    laggards: tuple[Laggard, ...] = ()


async def take_census(
    streams: Sequence[Connection],
    backlogs: Mapping[Connection, Backlog],
    sdk: Callable[[int], Sdk],
    wanted: Wanted,
) -> Census:
    """Return who `streams` are; others get their turn meanwhile.

    `backlogs` has those of clients that are behind, `sdk` returns what has a number.
    """
    alike: Counter[tuple[KeyStreams, int]] = Counter()
    waiting = 0
    for number, stream in enumerate(streams, 1):
        if number % _A_TURN == 0:
            await trio.lowlevel.checkpoint()
        if (owner := streams_of(stream)) is None:
            waiting += wanted.environment_id is None
        elif wanted.environment_id in {None, owner.key.environment_id}:
            alike[owner, stream.sdk] += 1
    counts: Counter[Group] = Counter()
    for turn, ((owner, number), count) in enumerate(alike.items(), 1):
        if turn % _A_TURN == 0:
            await trio.lowlevel.checkpoint()
        counts[_group(owner, sdk(number), wanted.by)] += count
    behind: Counter[Group] = Counter()
    laggards: list[Laggard] = []
    for stream, backlog in backlogs.items():
        owner = streams_of(stream)
        if owner is not None and wanted.environment_id in {None, owner.key.environment_id}:
            behind[_group(owner, sdk(stream.sdk), wanted.by)] += 1
            laggards.append(Laggard(owner.key, sdk(stream.sdk), backlog))
    return _census(counts, behind, laggards, waiting)


def united(parts: Iterable[Census]) -> Census:
    """Return what several processes found as one."""
    counts: Counter[Group] = Counter()
    behind: Counter[Group] = Counter()
    laggards: list[Laggard] = []
    waiting = left_out = 0
    for part in parts:
        for counted in part.groups:
            counts[counted.group] += counted.streams
            behind[counted.group] += counted.behind
        laggards += part.laggards
        waiting += part.waiting
        left_out += part.left_out
    return _census(counts, behind, laggards, waiting, left_out)


def _census(
    counts: Counter[Group],
    behind: Counter[Group],
    laggards: Sequence[Laggard],
    waiting: int,
    left_out: int = 0,
) -> Census:
    groups = [Counted(group, count, behind[group]) for group, count in counts.items()]
    shown = sorted(groups, key=_place)[:_MOST_GROUPS]
    left_out += counts.total() - sum(each.streams for each in shown)
    return Census(
        streams=sum(each.streams for each in shown) + waiting + left_out,
        behind=behind.total(),
        waiting=waiting,
        groups=tuple(shown),
        left_out=left_out,
        laggards=tuple(
            nlargest(_MOST_LAGGARDS, laggards, key=lambda each: each.backlog.waiting_bytes)
        ),
    )


def _place(counted: Counted) -> tuple[int, int, str, Sdk]:
    """Return what groups are sorted by: always the same way, so that pages fit together."""
    group = counted.group
    environment_id = group.key.environment_id if group.key else group.environment_id
    return (
        -counted.streams,
        environment_id.int if environment_id else 0,
        group.key.secret if group.key else "",
        group.sdk or OTHER,
    )


def _group(owner: KeyStreams, sdk: Sdk, by: By) -> Group:
    match by:
        case By.ENVIRONMENT:
            return Group(environment_id=owner.key.environment_id)
        case By.KEY:
            account_id = None if owner.granted is None else owner.granted.account_id
            return Group(key=owner.key, account_id=account_id)
        case By.SDK:
            return Group(sdk=sdk)

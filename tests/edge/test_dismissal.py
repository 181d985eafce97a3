"""Whom a dismissal concerns."""

import random
from uuid import UUID

import pytest
from edge_under_test import CLIENT_KEY, ENVIRONMENT, SERVER_KEY, granted

from fh.edge.connection import Connection
from fh.edge.dismissal import Dismissal, chosen
from fh.edge.fanout import Audience
from fh.edge.key_streams import KeyStreams
from fh.model.ids import EnvironmentId, ServiceAccountId
from fh.model.sdk_key import SdkKey

ELSEWHERE = SdkKey(EnvironmentId(UUID(int=9)), "s" * 40)
WAITING = Connection(99)


class Nobody:
    """Owns keys and wants to hear nothing of them."""

    def audience_emptied(self) -> None:
        raise NotImplementedError

    def turn_came(self, streams: KeyStreams, connection: Connection) -> None:
        raise NotImplementedError


def streams(key: SdkKey, count: int, *, answered: bool = True) -> list[Connection]:
    owner = KeyStreams(key, Nobody())
    owner.granted = granted([]) if answered else None
    audience = Audience(owner)
    found = [Connection(number) for number in range(count)]
    for stream in found:
        audience.join(stream)
    return found


SERVER, CLIENT, OTHERS = streams(SERVER_KEY, 4), streams(CLIENT_KEY, 4), streams(ELSEWHERE, 4)
ALL = [*SERVER, *CLIENT, *OTHERS, WAITING]
CHANCE = random.Random(7)


@pytest.mark.parametrize(
    ("dismissal", "meant"),
    [
        (Dismissal(), ALL),
        (Dismissal(environment_id=ENVIRONMENT), [*SERVER, *CLIENT]),
        (Dismissal(whom=CLIENT_KEY), CLIENT),
        (Dismissal(whom=ServiceAccountId(UUID(int=4))), [*SERVER, *CLIENT, *OTHERS]),
        (Dismissal(whom=ServiceAccountId(UUID(int=5))), []),
        (Dismissal(environment_id=ENVIRONMENT, whom=ELSEWHERE), []),
    ],
)
def test_those_are_meant_that_it_names(dismissal: Dismissal, meant: list[Connection]) -> None:
    found = chosen(ALL, dismissal, CHANCE)
    assert len(found) == len(meant)
    assert set(found) == set(meant)


def test_an_account_is_not_known_before_the_first_answer() -> None:
    unanswered = streams(SERVER_KEY, 2, answered=False)
    assert chosen(unanswered, Dismissal(whom=ServiceAccountId(UUID(int=4))), CHANCE) == []
    assert len(chosen(unanswered, Dismissal(whom=SERVER_KEY), CHANCE)) == 2


def test_a_share_is_left_to_chance_and_nobody_is_meant_twice() -> None:
    found = chosen(ALL[:12], Dismissal(share=0.5), CHANCE)
    assert len(found) == len(set(found)) == 6
    counts = [len(chosen(SERVER[:1], Dismissal(share=0.25), CHANCE)) for _ in range(1000)]
    assert 150 < sum(counts) < 350

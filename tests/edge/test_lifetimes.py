"""Deadlines that move far more often than they come."""

import random

from fh.edge.connection import Connection, Phase
from fh.edge.lifetimes import Due, Lifetimes
from fh.edge.settings import EdgeSettings

SETTINGS = EdgeSettings(idle_seconds=60, head_seconds=10)


def lifetimes() -> tuple[Lifetimes, Connection]:
    made, connection = Lifetimes(SETTINGS, random.Random(1), 0.0), Connection(7)
    made.put(connection, 60)
    return made, connection


def due(made: Lifetimes, first: int, last: int) -> list[tuple[int, Due]]:
    return [(now, each) for now in range(first, last + 1) for _, each in made.due(now)]


def test_a_connection_that_nobody_uses_is_idle_in_time() -> None:
    made, _ = lifetimes()
    assert due(made, 1, 200) == [(60, Due.IDLE)]


def test_one_that_is_used_has_all_its_idle_time_again() -> None:
    made, connection = lifetimes()
    for now in range(1, 100):
        assert list(made.due(now)) == []
        made.used(connection)
    [(now, each)] = due(made, 100, 300)
    assert each is Due.IDLE
    assert 99 + 60 <= now <= 99 + 60 + 2


def test_the_deadline_of_a_head_counts_although_the_connection_was_used() -> None:
    made, connection = lifetimes()
    list(made.due(1))
    made.used(connection)
    connection.buffer = b"GET /"
    made.put(connection, 11)
    assert due(made, 2, 50) == [(11, Due.REQUEST)]


def test_use_does_not_put_off_what_is_due_in_another_phase() -> None:
    made, connection = lifetimes()
    list(made.due(50))
    made.used(connection)
    connection.phase = Phase.LINGERING
    assert due(made, 51, 70) == [(60, Due.LATE)]


def test_whoever_waited_for_the_features_lives_as_long_after_them_as_others() -> None:
    made = Lifetimes(EdgeSettings(drop_after_seconds=30), random.Random(1), 0.0)
    at_once, waited, lasting = Connection(7), Connection(8), Connection(9)
    for connection in (at_once, waited, lasting):
        connection.phase = Phase.STREAM
        made.begin_stream(connection, 0.0, lasts=connection is lasting)
    planned = at_once.drop_at
    made.begin_anew(at_once, 0.1)
    assert at_once.drop_at == planned
    made.begin_anew(waited, 20.0)
    assert 20 + 27 <= waited.drop_at <= 20 + 30
    made.begin_anew(lasting, 20.0)
    assert [each for _, each in due(made, 1, 60)].count(Due.FAREWELL) == 2


def test_a_stream_that_begins_anew_while_its_heartbeat_is_written_beats_once_each_time() -> None:
    settings = EdgeSettings(drop_after_seconds=100, heartbeat_seconds=10)
    made, stream = Lifetimes(settings, random.Random(1), 0.0), Connection(7)
    stream.phase = Phase.STREAM
    made.begin_stream(stream, 0.0)
    assert [each for now in range(1, 21) for each, _ in made.due(now)] == [stream]
    made.begin_stream(stream, 20.0)
    made.go_on([stream], 20.0)
    assert due(made, 21, 39) == [(30, Due.HEARTBEAT)]

"""Keys that nobody has asked for yet, from Edge down to PostgreSQL; and keys that don't exist."""

from collections.abc import Sequence
from functools import partial

import trio

from bench.cache.meter import Meter
from bench.cache.questions import views_of
from bench.deployment.asking import Question, ask_all
from bench.deployment.process import RoleProgram
from bench.deployment.shapes import Parts
from bench.result import Row
from fh.model.sdk_key import SdkKey

AT_ONCE = 64
_FOUND = 200
_NOT_FOUND = 404
_AGAIN = 10


def miss(parts: Parts, warm_up: Sequence[SdkKey], keys: Sequence[SdkKey]) -> list[Row]:
    """Return what keys cost that neither Edge nor Dacha has met, and keys that do not exist.

    `warm_up` opens the connections; of `keys` a quarter is asked for one at a time.
    """
    dacha = parts.add_dacha("dacha-of-misses")
    edge = parts.add_edge("edge", dacha)
    trio.run(partial(ask_all, _polls(edge, warm_up), at_once=AT_ONCE))
    meter = Meter(dacha, parts.mr)
    rows = []
    alone, together = keys[: len(keys) // 4], keys[len(keys) // 4 :]
    for name, some, at_once in (
        ("miss through Edge, 1 at a time", alone, 1),
        (f"miss through Edge, {AT_ONCE} at a time", together, AT_ONCE),
    ):
        meter.begin()
        answers = trio.run(partial(ask_all, _polls(edge, some), at_once=at_once))
        rows.append(meter.row(name, answers.only(_FOUND)))
    unknown = [SdkKey(key.environment_id, key.secret[::-1]) for key in alone]
    questions = views_of(dacha, unknown)
    for name, times in (("unknown key, first time", 1), ("unknown key, again", _AGAIN)):
        meter.begin()
        answers = trio.run(partial(ask_all, questions * times, at_once=AT_ONCE)).only(_NOT_FOUND)
        rows.append(meter.row(name, answers))
    edge.end()
    dacha.end()
    return rows


def _polls(edge: RoleProgram, keys: Sequence[SdkKey]) -> list[Question]:
    return [
        Question(edge.port, f"/features?apiKey={key.environment_id}/{key.secret}&contextSha=0")
        for key in keys
    ]

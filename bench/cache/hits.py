"""What is in memory already: asked for over HTTP, looked up within the process, and changed."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median

import msgspec
import trio
from msgspec import Raw

from bench.cache.meter import COUNT, MIDDLE, PER_SECOND, SECONDS, SLOW, Meter
from bench.cache.questions import environments_of, views_of
from bench.deployment.admin import Admin
from bench.deployment.asking import ask_all
from bench.deployment.contents import TEXT_FEATURE
from bench.deployment.process import RoleProgram
from bench.deployment.shapes import DACHA_KEY, Parts
from bench.load.percentiles import percentile
from bench.result import Row
from fh.contracts.answers import Granted
from fh.contracts.published import (
    CacheEnvironmentFeature,
    PublishAction,
    PublishFeatureValue,
    PublishFeatureValues,
)
from fh.dacha.dacha import Dacha
from fh.dacha.http_truth import HttpTruth
from fh.dacha.settings import DachaSettings
from fh.model.sdk_key import SdkKey

AT_ONCE = 64
_FOUND = 200
_ALONE = 500
"""Questions that are asked one at a time."""

_TOGETHER = 2_000


def over_http(parts: Parts, dacha: RoleProgram, keys: Sequence[SdkKey]) -> list[Row]:
    """Return what an answer from Dacha's memory costs, on our routes and on upstream's.

    The first round on upstream's works out what each key sees, which is kept.
    """
    meter = Meter(dacha, parts.mr)
    asked = (
        ("first view of each key, /v2", views_of(dacha, keys), AT_ONCE),
        ("hit, /v2, 1 at a time", views_of(dacha, keys[:_ALONE]), 1),
        (f"hit, /v2, {AT_ONCE} at a time", views_of(dacha, keys[:_TOGETHER]), AT_ONCE),
        ("hit, /dacha2, 1 at a time", environments_of(dacha, keys[:_ALONE]), 1),
        (f"hit, /dacha2, {AT_ONCE} at a time", environments_of(dacha, keys[:_TOGETHER]), AT_ONCE),
    )
    rows = []
    for number, (name, questions, at_once) in enumerate(asked):
        meter.begin()
        answers = trio.run(partial(ask_all, questions, at_once=at_once)).only(_FOUND)
        rows.append(meter.row(name, answers, grows=number == 0))
    return rows


def change_over_bus(parts: Parts, dacha: RoleProgram, admin: Admin, keys: Sequence[SdkKey]) -> Row:
    """Return what a change costs that an admin makes while Dacha holds everything."""
    meter = Meter(dacha, parts.mr)
    began = time.perf_counter()
    for number, key in enumerate(keys):
        admin.change_text(key.environment_id, TEXT_FEATURE, f"change {number}")
    return meter.counted("change by an admin, over NATS", len(keys), time.perf_counter() - began)


def in_process(dacha: RoleProgram, keys: Sequence[SdkKey]) -> list[Row]:
    """Return what the cache of an Edge behind `dacha` takes, without HTTP before it."""
    return trio.run(_in_process, dacha.url, keys)


async def _in_process(url: str, keys: Sequence[SdkKey]) -> list[Row]:
    truth = HttpTruth(url, key=DACHA_KEY)
    cache = Dacha(truth, DachaSettings(environments=len(keys), accounts=len(keys)))
    async with trio.open_nursery() as nursery:
        await nursery.start(truth.run)
        await nursery.start(cache.run)
        began = time.perf_counter()
        await _look_all_up(cache, keys)
        filled = _row("an Edge's own cache, filled from Dacha", len(keys), began)
        began = time.perf_counter()
        looked_up = _timed(
            "hit, in process", [partial(cache.lookup.find_key, key) for key in keys], began
        )
        changed = await _change_all(cache, keys)
        nursery.cancel_scope.cancel()
    return [filled, looked_up, changed]


async def _look_all_up(cache: Dacha, keys: Sequence[SdkKey]) -> None:
    waiting = iter(keys)

    async def some() -> None:
        for key in waiting:
            assert isinstance(await cache.lookup.load_key(key), Granted)

    async with trio.open_nursery() as nursery:
        for _ in range(16):
            nursery.start_soon(some)


async def _change_all(cache: Dacha, keys: Sequence[SdkKey]) -> Row:
    """Publish a change of each environment; it is measured until the key sees it."""
    events = [_event(cache, key) for key in keys]
    latencies = []
    began = time.perf_counter()
    for key, (event, version) in zip(keys, events, strict=True):
        start = time.perf_counter()
        await cache.on_delivery(event)
        while _version(cache.lookup.find_key(key)) != version:
            await trio.lowlevel.checkpoint()
        latencies.append(time.perf_counter() - start)
    return _row("change, in process, until it is seen", len(keys), began, latencies)


def _event(cache: Dacha, key: SdkKey) -> tuple[PublishFeatureValues, int]:
    """Return the next change of a feature, and its version."""
    known = _text_feature(cache.lookup.find_key(key))
    assert known is not None
    assert known.value is not None
    version = known.value.version + 1
    value = msgspec.structs.replace(known.value, version=version, value=Raw(b'"changed"'))
    feature = msgspec.structs.replace(known, value=value)
    change = PublishFeatureValue(PublishAction.UPDATE, key.environment_id, feature)
    return PublishFeatureValues(features=(change,)), version


def _version(answer: object) -> int | None:
    feature = _text_feature(answer)
    return None if feature is None or feature.value is None else feature.value.version


def _text_feature(answer: object) -> CacheEnvironmentFeature | None:
    if not isinstance(answer, Granted):
        return None
    return next(each for each in answer.features if each.feature.key == TEXT_FEATURE)


def _timed(name: str, questions: Sequence[Callable[[], object]], began: float) -> Row:
    latencies = []
    for question in questions:
        start = time.perf_counter()
        question()
        latencies.append(time.perf_counter() - start)
    return _row(name, len(questions), began, latencies)


def _row(name: str, count: int, began: float, latencies: Sequence[float] = ()) -> Row:
    seconds = time.perf_counter() - began
    cells = {COUNT.name: count, SECONDS.name: seconds, PER_SECOND.name: count / seconds}
    if latencies:
        cells[MIDDLE.name] = median(latencies) * 1e3
        cells[SLOW.name] = percentile(sorted(latencies), 99) * 1e3
    return Row(name, {**cells})

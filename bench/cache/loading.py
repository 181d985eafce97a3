"""Everything into Dacha's memory: because it was asked for, announced, or kept in a file."""

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import trio

from bench.cache.meter import COUNT, MEMORY, PER_SECOND, SECONDS, Meter
from bench.cache.questions import accounts_of, environments_of
from bench.deployment.asking import ask_all
from bench.deployment.contents import Contents, within_database
from bench.deployment.process import RoleProgram
from bench.deployment.shapes import DACHA_KEY, Parts
from bench.result import Row
from fh.contracts.published import PublishAction
from fh.db.port import Transaction
from fh.model.sdk_key import SdkKey
from fh.mr.outbox import announce
from fh.mr.repositories.published_accounts import load_account_by_secret
from fh.mr.repositories.publishing import load_published_environments

AT_ONCE = 16
_FOUND = 200
_PATIENCE_SECONDS = 3_600.0


def load_all(
    parts: Parts, dacha: RoleProgram, warm_up: Contents, small: Contents, large: Contents
) -> list[Row]:
    """Return what accounts and environments take and weigh that a Dacha loads when asked.

    Environments of two sizes tell by themselves what an environment weighs without features, and
    what a feature does.
    """
    for questions in (accounts_of, environments_of):
        trio.run(partial(ask_all, questions(dacha, warm_up.keys), at_once=AT_ONCE))
    meter = Meter(dacha, parts.mr)
    asked = (
        ("load accounts", accounts_of, (*small.keys, *large.keys)),
        (f"load environments of {small.features} features", environments_of, small.keys),
        (f"load environments of {large.features} features", environments_of, large.keys),
    )
    rows = []
    for name, questions, keys in asked:
        meter.begin()
        answers = trio.run(partial(ask_all, questions(dacha, keys), at_once=AT_ONCE))
        rows.append(meter.row(name, answers.only(_FOUND), grows=True))
    light, heavy = (float(row.cells[MEMORY.name] or 0) for row in rows[1:])
    feature = (heavy - light) / (large.features - small.features)
    return [
        *rows,
        Row("of that a feature", {MEMORY.name: feature}),
        Row("of that the rest of an environment", {MEMORY.name: light - small.features * feature}),
    ]


def announce_all(parts: Parts, data_directory: Path, keys: Sequence[SdkKey]) -> Row:
    """Return what it takes until an empty Dacha holds all that MR announces over NATS."""

    async def work(tx: Transaction) -> None:
        accounts = [await load_account_by_secret(tx, key.secret) for key in keys]
        ids = [key.environment_id for key in keys]
        environments = await load_published_environments(tx, ids, PublishAction.UPDATE)
        await announce(tx, *accounts, *environments)

    sizes = capacity(len(keys))
    dacha = parts.add_dacha("dacha-of-announcements", sizes)
    # As it begins, it compares what it knows by then with MR: what was announced already, too.
    dacha.wait_until(lambda: dacha.metric("dacha_refreshes_total") >= 1, "its first refresh")
    meter = Meter(dacha, parts.mr)
    within_database(data_directory, work)
    began = time.perf_counter()
    dacha.wait_until(
        lambda: (
            dacha.metric("dacha2_environment_cache_size") >= len(keys)
            and dacha.metric("dacha2_service_account_cache_size") >= len(keys)
        ),
        "hearing of everything",
        seconds=_PATIENCE_SECONDS,
    )
    row = meter.counted(
        "announced, accounts and environments", 2 * len(keys), time.perf_counter() - began
    )
    dacha.end()
    return row


def keep(dacha: RoleProgram, file: Path, count: int) -> Row:
    """Return what it takes to write what is known at an orderly stop, and how long the file is."""
    began = time.perf_counter()
    dacha.end()
    seconds = time.perf_counter() - began
    return Row(
        "file, written at the stop",
        {
            COUNT.name: count,
            SECONDS.name: seconds,
            PER_SECOND.name: count / seconds,
            MEMORY.name: file.stat().st_size / count,
        },
    )


def restore(parts: Parts, dacha: RoleProgram, keys: Sequence[SdkKey]) -> Row:
    """Return how long from the start until what the file holds is served, with MR out of reach."""
    parts.mr.pause()
    began = time.perf_counter()
    dacha.launch()
    # What SDKs are served; our own Edges are given nothing that MR has not confirmed.
    path = f"/v2/environment/{keys[0].environment_id}/{keys[0].secret}"
    try:
        dacha.wait_until(lambda: dacha.finds(path, {"key": DACHA_KEY}), "serving from the file")
        seconds = time.perf_counter() - began
    finally:
        parts.mr.resume()
    return Row(
        "file, from the start to the first answer",
        {COUNT.name: 2 * len(keys), SECONDS.name: seconds},
    )


def capacity(count: int) -> dict[str, str]:
    """Return the settings of a Dacha that keeps `count` environments and accounts."""
    return {
        "DACHA2_CACHE_ENVIRONMENT_SIZE": str(count),
        "DACHA2_CACHE_SERVICE_ACCOUNT_SIZE": str(count),
    }

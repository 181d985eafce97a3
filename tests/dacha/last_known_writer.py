"""Writes one generation of holdings after the other; run as a script.

last_known_writer.py PATH                writes and tells each generation, until killed
last_known_writer.py PATH STEPS          writes generation 1, then generation 2 again and again: the
                                         n-th time killed just before its n-th step on the disk;
                                         leaves PATH.n of each, tells what it was killed before
last_known_writer.py PATH once NUMBER    writes generation NUMBER, and tells the fault if it can't
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import UUID

import trio

from fh.dacha.account_tables import KnownAccount
from fh.dacha.holdings import Holdings
from fh.dacha.sealed_holdings import read_knowledge, write_holdings
from fh.dacha.snapshot import EnvironmentSnapshot
from fh.wire.last_known import Head
from tests.dacha.restarts import ORIGIN, sealing_key
from tests.dacha.world import account, environment, feature

ENVIRONMENTS = 100
FEATURES = 20
VALUE = b'"' + b"x" * 100 + b'"'


def generation(number: int) -> Holdings:
    """Return holdings in which every version is `number`; a megabyte."""
    features = [feature(each, value_version=number, value=VALUE) for each in range(FEATURES)]
    snapshots = [
        EnvironmentSnapshot.of(environment(*features, id=UUID(int=1000 + each), version=number))
        for each in range(ENVIRONMENTS)
    ]
    known = KnownAccount.of(account(version=number), 0)
    return Holdings(
        snapshots,
        [known],
        (),
        is_behind=False,
    )


def tell(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


async def write(path: Path, number: int) -> int:
    """Write generation `number`; return the size of the file."""
    now = datetime.now(UTC)
    head = Head(ORIGIN, written_at=now, as_of=now, position=number)
    holdings = generation(number)
    written = await write_holdings(path, sealing_key(), head, holdings, most_bytes=1 << 30)
    return written.bytes


async def read(path: Path) -> int:
    """Return the generation in the file, having seen that it is whole."""
    found = await read_knowledge(path, sealing_key(), ORIGIN)
    assert found is not None
    head, knowledge = found
    number = head.position
    assert [each.version for each in knowledge.accounts] == [number]
    assert len(knowledge.environments) == ENVIRONMENTS
    for snapshot in knowledge.environments:
        assert snapshot.environment.version == number
        assert [each.value.version for each in snapshot.features] == [number] * FEATURES
    return number


def killed_before(step: int) -> None:
    """Let this process be killed just before its `step`-th call that changes the disk."""
    calls = 0

    def counted(name: str, call: Callable, *args, **options):
        nonlocal calls
        calls += 1
        if calls == step:
            tell(name)
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*args, **options)

    for owner, name in ((os, "open"), (os, "write"), (os, "fsync"), (os, "close")):
        setattr(owner, name, partial(counted, name, getattr(owner, name)))
    replace = Path.replace
    Path.replace = lambda mine, target: counted("replace", replace, mine, target)


def step_by_step(path: Path, steps: int) -> None:
    """Fork a process for each step, before there is a thread."""
    for step in range(steps + 1):
        child = os.fork()
        if not child:
            killed_before(step)
            trio.run(write, path, 2 if step else 1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        shutil.copy(path, f"{path}.{step}")
        if step and not os.WIFSIGNALED(status):
            tell("ended")
            return


def main(path: Path, *how: str) -> None:
    if not how:
        number = trio.run(read, path) if path.exists() else 0
        while True:
            number += 1
            trio.run(write, path, number)
            tell(number)
    elif how[0] == "once":
        try:
            tell(trio.run(write, path, int(how[1])))
        except OSError as error:
            tell(error.strerror)
    else:
        step_by_step(path, int(how[0]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])

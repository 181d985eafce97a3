"""How many polls, and at what cost? fh beside nginx with a static file and uvicorn with a function.

Every contestant is one worker process and gives the same bytes: those that fh answers to
`GET /features` for an environment of 50 features. Short rounds take turns, so that what the machine
does meanwhile hits all of them alike. A request's price is the processor time that its server uses
for it: what it answers with a processor to itself, however busy the machine or the client is.
"""

import statistics
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click
from msgspec.structs import replace

from bench.baselines.contestant import Contestant, DidNotStart, Entry
from bench.baselines.frame import ENVIRONMENT_ID
from bench.baselines.nginx import open_nginx
from bench.command import conclude, refusals, with_output, with_remote
from bench.load.bounds import OutOfBounds, require_bounded, require_descriptors, require_local
from bench.load.poll_clients import PollPlan, open_poll_clients
from bench.load.poll_trial import COLUMNS, WORKLOADS, Server, Trial, ask, begin_trial
from bench.load.polls import MOST_DEPTH, PollRefused
from bench.poll_host import CLIENT_SECRET, SERVER_SECRET
from bench.result import Result, Row, Target, begin_result

CONTESTANTS: Final = ("fh", "fh server", "nginx", "uvicorn")
LEAST_OF_NGINX: Final = 0.6
LEAST_OF_UVICORN: Final = 1.0
BUSY_CLIENT_SHARE: Final = 0.9
"""From here on the client, not the server, may have set the pace."""

_CONTEXT: Final = "x-featurehub: userkey=fred,country=new_zealand\r\n"


@click.command(epilog=f"Contestants: {', '.join(CONTESTANTS)}.")
@click.option("--connections", type=click.IntRange(1), default=64, show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=10, show_default=True)
@click.option(
    "--round-seconds",
    type=click.FloatRange(0.05, 60),
    default=0.4,
    show_default=True,
    help="Length of a round of one contestant and workload.",
)
@click.option("--features", type=click.IntRange(1), default=50, show_default=True)
@click.option(
    "--depth",
    type=click.IntRange(1, MOST_DEPTH),
    default=1,
    show_default=True,
    help="Requests that a connection has under way: pipelining.",
)
@click.option("--only", type=click.Choice(CONTESTANTS), multiple=True, help="Repeatable.")
@click.option(
    "--workload",
    type=click.Choice(WORKLOADS),
    multiple=True,
    help="What is answered: everything, or a 304 to those that hold it; traced, each of these "
    "requests has a header of its own, as from proxies that number them. Repeatable.",
)
@click.option("--load-processes", type=click.IntRange(1, 64), default=1, show_default=True)
@with_remote
@with_output
def command(
    *,
    connections: int,
    rounds: int,
    round_seconds: float,
    features: int,
    depth: int,
    only: Sequence[str],
    workload: Sequence[str],
    load_processes: int,
    url: str | None,
    key: str | None,
    pid: int | None,
    allow_remote: bool,
    json_file: Path | None,
    html_file: Path | None,
    check: bool,
) -> None:
    """Poll an Edge as SDKs do: requests a second, processor time a request, latencies.

    fh with client-evaluated and with server-evaluated keys, nginx serving the same bytes as a
    static file, and uvicorn with a bare ASGI function that returns them; one worker each.

    \b
    Examples:
      fh bench poll --only fh --only nginx
      fh bench poll --workload 304 --connections 256 --json poll.json
      fh bench poll --url http://127.0.0.1:8085 --key ENVIRONMENT/SECRET --pid 4711
    """  # noqa: D301  click takes the backspace as "leave these lines as they are"
    workloads = workload or WORKLOADS
    with refusals(), ExitStack() as stack:
        if url is not None:
            servers = [_remote(url, key, pid, allow_remote=allow_remote)]
            absent: list[Row] = []
        else:
            servers, absent = _contestants(stack, only or CONTESTANTS, features)
        seconds = (round_seconds + 1) * rounds * max(1, len(servers)) * len(workloads) + 60
        require_bounded(connections, seconds)
        require_descriptors(connections, processes=load_processes)
        result = begin_result(
            "poll",
            "how many polls, and at what cost?",
            options={
                "connections": connections,
                "depth": depth,
                "features": None if url else features,
                "rounds": rounds,
                "round_seconds": round_seconds,
            },
            columns=COLUMNS,
            versions=dict(_versions()),
        )
        try:
            trials = [begin_trial(server, each) for server in servers for each in workloads]
            targets = tuple(trial.target for trial in trials)
            plan = PollPlan(targets, connections, load_processes, depth, life_seconds=seconds)
            with open_poll_clients(plan) as clients:
                for _ in range(rounds):
                    for number, trial in enumerate(trials):
                        trial.play(clients, number, round_seconds)
        except PollRefused as refusal:
            print(refusal, file=sys.stderr)
            sys.exit(1)
    conclude(
        _concluded(result, trials, absent), json_file=json_file, html_file=html_file, check=check
    )


def _remote(url: str, key: str | None, pid: int | None, *, allow_remote: bool) -> Server:
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise OutOfBounds(f"{url} is no http:// address with a host")
    if not key:
        raise OutOfBounds("--url needs --key ENVIRONMENT/SECRET")
    port = parts.port or 80
    address = require_local(parts.hostname, port, allow_remote=allow_remote)
    return Server("url", address, port, pid, key)


def _contestants(
    stack: ExitStack, names: Sequence[str], features: int
) -> tuple[list[Server], list[Row]]:
    """Start whoever takes part; return them, and a row for each that can't."""
    command = [sys.executable, "-m", "bench.poll_host", "--features", str(features)]
    client_key = f"{ENVIRONMENT_ID}/{CLIENT_SECRET}"
    servers: list[Server] = []
    absent: list[Row] = []
    # Whoever takes part, fh says what the bytes are.
    first = _fh(stack, "fh", command, client_key)
    _, body = ask(first)
    for name in names:
        try:
            match name:
                case "fh":
                    servers.append(first)
                case "fh server":
                    key = f"{ENVIRONMENT_ID}/{SERVER_SECRET}"
                    servers.append(_fh(stack, name, command, key, _CONTEXT))
                case "nginx":
                    nginx = stack.enter_context(open_nginx(body))
                    servers.append(Server(name, nginx.host, nginx.port, nginx.pid, client_key))
                case _:
                    servers.append(_uvicorn(stack, body, client_key))
        except DidNotStart as failure:
            absent.append(Row(name, note=f"absent: {failure}"))
    return servers, absent


def _fh(stack: ExitStack, name: str, command: Sequence[str], key: str, headers: str = "") -> Server:
    host = stack.enter_context(Contestant(Entry(name, command, "", _no_order)))
    return Server(name, host.host, host.port, host.pid, key, headers)


def _uvicorn(stack: ExitStack, body: bytes, key: str) -> Server:
    if "uvicorn" not in dict(_versions()):
        raise DidNotStart("there is no uvicorn: pip install 'fh[bench]'")
    file = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "body"
    file.write_bytes(body)
    command = [sys.executable, "-m", "bench.baselines.bare_asgi", str(file)]
    host = stack.enter_context(Contestant(Entry("uvicorn", command, "", _no_order)))
    return Server("uvicorn", host.host, host.port, host.pid, key)


def _no_order(_number: int) -> bytes:
    raise AssertionError("nothing is published here")


def _versions() -> Iterator[tuple[str, str]]:
    for name in ("uvicorn", "uvloop", "httptools"):
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue


def _concluded(result: Result, trials: Sequence[Trial], absent: Sequence[Row]) -> Result:
    ratios = dict(_ratios(trials))
    return replace(
        result,
        rows=(*(trial.row() for trial in trials), *absent),
        ratios=ratios,
        targets=tuple(_targets(ratios)),
        remarks=tuple(
            f"{trial.name}: the load was busy {trial.client_share:.0%} of the time and may have "
            "set the pace: believe the processor time, not the requests a second"
            for trial in trials
            if trial.client_share > BUSY_CLIENT_SHARE
        ),
    )


def _ratios(trials: Iterable[Trial]) -> Iterator[tuple[str, float]]:
    """Yield what fh answers with a processor to itself, as a share of what another does."""
    found = {(trial.server.name, trial.workload): trial.processor_us for trial in trials}
    for (name, workload), theirs in found.items():
        ours = found.get(("fh", workload), [])
        shares = [their_us / our_us for our_us, their_us in zip(ours, theirs, strict=False)]
        if name in {"nginx", "uvicorn"} and shares:
            yield f"vs_{name}_{workload}", statistics.median(shares)


def _targets(ratios: Mapping[str, float]) -> Iterator[Target]:
    for name, least in (("nginx", LEAST_OF_NGINX), ("uvicorn", LEAST_OF_UVICORN)):
        for workload in ("200", "304"):
            yield Target(
                f"requests a processor, answered {workload}, as a share of {name}'s",
                ratios.get(f"vs_{name}_{workload}"),
                least,
                at_least=True,
            )

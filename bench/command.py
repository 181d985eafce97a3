"""What all commands of `fh bench` share: their options, and how a run ends.

The exit status is 0 when everything was measured, 1 when the figures are spoiled (something was
lost, a server did not start) or, with --check, a target was missed, and 2 when the run was refused.
"""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Final, NoReturn, TypeVar

import click

from bench.baselines.remote import WriteRefused
from bench.load.bounds import LONGEST_RUN_SECONDS, OutOfBounds
from bench.result import NoResult, Result, encode_result
from bench.text import as_text

OK: Final = 0
FAILED: Final = 1
REFUSED: Final = 2

F = TypeVar("F", bound=Callable[..., Any])

_OUTPUT: Final = (
    click.option(
        "--json",
        "json_file",
        type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
        metavar="FILE",
        help="Write all figures there as JSON; - for standard output instead of the table.",
    ),
    click.option(
        "--html",
        "html_file",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Write a report with charts there, in one file that needs no network.",
    ),
    click.option("--check", is_flag=True, help="Fail when a target is missed."),
)

STREAMS: Final = click.option(
    "--streams", type=click.IntRange(1), default=10_000, show_default=True, help="Streams in all."
)
ENVIRONMENTS: Final = click.option(
    "--environments",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Environments that the streams are spread over.",
)
WORKERS: Final = click.option(
    "--workers",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Worker processes of the Edge under test; 0 for a single process.",
)

PAYLOAD: Final = click.option(
    "--payload-bytes",
    type=click.IntRange(1),
    default=500,
    show_default=True,
    help="Size of an event.",
)

_LOAD: Final = (
    click.option(
        "--load-processes",
        type=click.IntRange(1, 64),
        default=1,
        show_default=True,
        help="Processes of the load client.",
    ),
    click.option(
        "--window",
        type=click.IntRange(1),
        default=128,
        show_default=True,
        help="Streams being opened at once, in each of them.",
    ),
    click.option(
        "--seconds",
        type=click.FloatRange(0, LONGEST_RUN_SECONDS, min_open=True),
        default=600,
        show_default=True,
        help="Life of the load client: then it ends, whatever happens.",
    ),
    click.option(
        "--netns",
        is_flag=True,
        help="Run in a network namespace of its own, where the system permits it: no connection "
        "tracking, all ports free.",
    ),
)

_REMOTE: Final = (
    click.option("--url", help="A server that runs already, http://HOST:PORT."),
    click.option("--key", help="An SDK key of it, ENVIRONMENT/SECRET; several with commas."),
    click.option("--pid", type=int, help="Its process, to see memory and processor time."),
    click.option(
        "--allow-remote", is_flag=True, help="It may be another machine: with consent only."
    ),
)


def with_output(command: F) -> F:
    """Give a command --json, --html and --check: parameters json_file, html_file and check."""
    for option in reversed(_OUTPUT):
        command = option(command)
    return command


def with_remote(command: F) -> F:
    """Give a command the options of a server that it did not start itself."""
    for option in reversed(_REMOTE):
        command = option(command)
    return command


def with_load(command: F) -> F:
    """Give a command what the load client can be told, and --netns.

    Parameters load_processes, window, seconds and netns.
    """
    for option in reversed(_LOAD):
        command = option(command)
    return command


@contextmanager
def refusals() -> Iterator[None]:
    """End the command with status 2 and the reason when a run is refused."""
    try:
        yield
    except (OutOfBounds, NoResult, WriteRefused) as refusal:
        click.echo(refusal, err=True)
        sys.exit(REFUSED)


def conclude(
    result: Result, *, json_file: Path | None, html_file: Path | None, check: bool
) -> NoReturn:
    """Show the result, write what was asked for, and end with the status that it deserves."""
    on_stdout = json_file is not None and str(json_file) == "-"
    click.echo(as_text(result), err=on_stdout)
    if json_file is not None:
        data = encode_result(result)
        if on_stdout:
            click.echo(data, nl=False)
        else:
            json_file.write_bytes(data)
    if html_file is not None:
        # Imported here: it is large, and most runs want no page.
        from bench.page import as_html  # noqa: PLC0415

        html_file.write_text(as_html([result]), encoding="utf-8")
    sys.exit(FAILED if result.spoiled or (check and result.missed) else OK)


def end_with_what_was_started() -> None:
    """Have SIGTERM end the command as Ctrl-C does: whatever it started ends with it."""
    signal.signal(signal.SIGTERM, _interrupt)
    # Shells that run a script have what is started with & ignore SIGINT.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    # Not KeyboardInterrupt itself: trio keeps that out of its own code, but only this one.
    signal.raise_signal(signal.SIGINT)

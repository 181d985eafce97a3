"""How far a run is, on stderr: a bar on a terminal, else a line for each step."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

import click

Tell: TypeAlias = Callable[[str], None]
"""Say what is done next; each call is a step."""


@contextmanager
def progress(title: str, steps: int) -> Iterator[Tell]:
    """Show `title` and each of about so many steps for as long as the block."""
    try:
        from rich.console import Console  # noqa: PLC0415 rich is an extra
        from rich.progress import (  # noqa: PLC0415 as above
            BarColumn,
            MofNCompleteColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
            TimeElapsedColumn,
        )
    except ImportError:
        yield _tell_plainly
        return
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _tell_plainly
        return
    columns = (
        SpinnerColumn(),
        TextColumn("[bold]{task.fields[title]}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=console, transient=True) as shown:
        task = shown.add_task("", total=steps, title=title)
        told = 0

        def tell(text: str) -> None:
            nonlocal told
            # The step before has ended when the next is told of.
            shown.update(task, description=text, completed=told)
            told += 1

        yield tell
        shown.update(task, completed=steps)


def _tell_plainly(text: str) -> None:
    click.echo(text, err=True)
    sys.stderr.flush()

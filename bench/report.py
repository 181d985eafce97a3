"""A page of one or more results."""

from pathlib import Path

import click

from bench.command import refusals
from bench.result import load_result


@click.command
@click.argument(
    "files",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE…",
)
@click.option(
    "--html",
    "html_file",
    type=click.Path(path_type=Path, dir_okay=False),
    default="bench.html",
    show_default=True,
    metavar="FILE",
    help="Where the page is written.",
)
def command(files: tuple[Path, ...], html_file: Path) -> None:
    """Make a page of one or more results.

    Every result has its picture, its table, its targets and its charts; the page is one file that
    loads nothing from elsewhere, to be sent or kept.

    \b
    Examples:
      fh bench fanout --json fanout.json
      fh bench connections --json connections.json
      fh bench report fanout.json connections.json --html bench.html
    """  # noqa: D301  click takes the backspace as "leave these lines as they are"
    with refusals():
        results = [load_result(file) for file in files]
    # Imported here: it is large, and a file that can't be read is to be told of at once.
    from bench.page import as_html  # noqa: PLC0415

    html_file.write_text(as_html(results), encoding="utf-8")
    click.echo(f"{html_file}: {', '.join(result.bench for result in results)}")

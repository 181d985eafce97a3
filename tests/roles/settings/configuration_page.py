"""The tables of docs/configuration.md, made of what the roles read.

    python -m tests.roles.settings.configuration_page

writes them anew; `test_configuration_page.py` fails while they are not what the page has.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from fh.config import Property, properties_of, shown
from fh.roles.settings.roles import SETTINGS
from fh.roles.settings.without_effect import WITHOUT_EFFECT

PAGE = Path(__file__).resolve().parents[3] / "docs" / "configuration.md"
HONOURED = "## What roles can be told\n"
IN_VAIN = "## What has no effect\n"


def with_tables(page: str) -> str:
    """Return `page` with its tables as they have to be."""
    before, _, _ = page.partition(HONOURED)
    return "\n".join(
        [before + HONOURED, *honoured_table(), "", IN_VAIN, *table_without_effect(), ""]
    )


def honoured_table() -> Iterator[str]:
    """Yield the lines of a table of every property that some role reads."""
    yield "| property | default | roles | says |"
    yield "|---|---|---|---|"
    found: dict[str, tuple[Property, dict[str, list[str]]]] = {}
    for role, settings in SETTINGS.items():
        for name, (known, default) in properties_of(settings).items():
            _, defaults = found.setdefault(name, (known, {}))
            defaults.setdefault(shown(default), []).append(role)
    for name, (known, defaults) in sorted(found.items(), key=lambda item: item[0].lower()):
        roles = [role for each in defaults.values() for role in each]
        yield _row(f"`{name}`", _told(defaults), _named(roles), known.summary)


def table_without_effect() -> Iterator[str]:
    """Yield the lines of a table of every property that none of its roles reads."""
    yield "| property | roles | why |"
    yield "|---|---|---|"
    for each in sorted(WITHOUT_EFFECT, key=lambda each: (each.name.lower(), each.roles)):
        fits = " or ".join(f"`{text}`" for text in each.fits)
        reason = f"{each.reason} (so {fits} is right)" if fits else each.reason
        yield _row(f"`{each.name}`", _named(each.roles), reason)


def _told(defaults: dict[str, list[str]]) -> str:
    if len(defaults) == 1:
        [text] = defaults
        return f"`{text}`" if text else ""
    usual, *others = defaults
    return "; ".join([f"`{usual}`", *(f"{_named(defaults[at])}: `{at}`" for at in others)])


def _named(roles: Iterable[str]) -> str:
    chosen = [role for role in SETTINGS if role in set(roles)]
    return "all" if len(chosen) == len(SETTINGS) else ", ".join(chosen)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def main() -> None:
    """Write the page."""
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()

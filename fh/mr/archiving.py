"""Names of archived records: out of the way, so that a successor may take them over.

Source: section 1.2 of the admin contract.
"""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import count

ARCHIVED_MARK = ":\\:\\:"
LONGEST_ARCHIVED_NAME_CHARACTERS = 250

# Only with a time at the very end: people may write the mark, too.
_ARCHIVED = re.compile(re.escape(ARCHIVED_MARK) + r"\d{4}-\d\d-\d\dT[\d:.]+\Z")


def archived_name(name: str, at: datetime) -> str:
    """Return the name that a record archived at `at` keeps.

    A long name loses its end rather than the time: without it a second record of that name could
    never be archived.
    """
    mark = f"{ARCHIVED_MARK}{at.replace(tzinfo=None).isoformat(timespec='microseconds')}"
    return name[: LONGEST_ARCHIVED_NAME_CHARACTERS - len(mark)] + mark


def archived_names(names: Iterable[str], at: datetime) -> list[str]:
    """Return the names of records that are archived at once, each a microsecond after the last.

    Long names may begin alike, and with one time would end alike, too.
    """
    times = (at + timedelta(microseconds=number) for number in count())
    return [archived_name(name, time) for name, time in zip(names, times, strict=False)]


def shown_name(name: str) -> str:
    """Return the name that a record has, or had before it was archived."""
    return _ARCHIVED.sub("", name)

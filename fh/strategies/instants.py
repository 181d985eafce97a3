"""Dates and instants as Java's ISO parsers read them, and the texts of now.

Years are 1 to 9999.
"""

import re
from datetime import UTC, date, datetime

_OFFSET = r"(?:[zZ]|[+-]\d\d(?::\d\d(?::\d\d)?)?)"
_DATE = re.compile(rf"(\d{{4}})-(\d\d)-(\d\d){_OFFSET}?", re.ASCII)
_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[tT]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,9}))?)?"
    r"(?:[zZ]|([+-])(\d\d)(?::([0-5]\d)(?::([0-5]\d))?)?)(?:\[[^\[\]]*\])?",
    re.ASCII,
)
_DATE_CHARACTERS = 10
_DAY_SECONDS = 86_400
_LARGEST_OFFSET_SECONDS = 18 * 3600
_SECOND_NANOSECONDS = 1_000_000_000


def parse_date(text: str) -> date | None:
    """Return the date, whose offset counts nothing; `None` if it is none."""
    if len(text) == _DATE_CHARACTERS and text[4] == text[7] == "-":  # nearly all
        try:
            return date.fromisoformat(text)
        except ValueError:
            return None
    found = _DATE.fullmatch(text)
    return found and _date(*found.groups())


def parse_instant(text: str) -> int | None:
    """Return the nanoseconds since the beginning of year 1, `None` without date, time and offset.

    The name of a zone may follow in brackets and counts nothing beside the offset.
    """
    if (found := _INSTANT.fullmatch(text)) is None:
        return None
    year, month, day, hours, minutes, seconds, fraction, sign, *offset = found.groups()
    if (on := _date(year, month, day)) is None:
        return None
    offset_seconds = _seconds(*offset)
    if offset_seconds > _LARGEST_OFFSET_SECONDS:
        return None
    local_seconds = on.toordinal() * _DAY_SECONDS + _seconds(hours, minutes, seconds)
    utc_seconds = local_seconds + (offset_seconds if sign == "-" else -offset_seconds)
    return utc_seconds * _SECOND_NANOSECONDS + int((fraction or "").ljust(9, "0"))


def date_of(now: datetime) -> str:
    """Return today's date in UTC."""
    return now.astimezone(UTC).date().isoformat()


def instant_of(now: datetime) -> str:
    """Return the time in UTC to the second: `2019-02-01T01:01:01Z`.

    Upstream leaves the Z out and then can't read what it wrote, so that no rule on `now` holds.
    """
    return now.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _date(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:  # the 30th of February
        return None


def _seconds(hours: str | None, minutes: str | None, seconds: str | None) -> int:
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0)

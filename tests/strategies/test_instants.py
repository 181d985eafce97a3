from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fh.strategies.instants import date_of, instant_of, parse_date, parse_instant


@pytest.mark.parametrize(
    "text", ["2019-02-01", "2019-02-01Z", "2019-02-01+01:00", "2019-02-01-11:30:15"]
)
def test_a_date_may_have_an_offset_that_counts_nothing(text: str) -> None:
    assert parse_date(text) == date(2019, 2, 1)


@pytest.mark.parametrize(
    "text",
    ["", "2019-2-1", "2019-02-30", "0000-01-01", "2019-02-01T01:01:01Z", "20190201", "٢٠١٩-02-01"],
)
def test_other_text_is_no_date(text: str) -> None:
    assert parse_date(text) is None


@given(st.text("0129-W٢", min_size=10, max_size=10) | st.from_regex("[0-9٢]{4}-[0-9]{2}-.."))
def test_a_date_alone_is_the_date_that_it_is_with_an_offset(text: str) -> None:
    # Its short way and the long one agree.
    assert parse_date(text) == parse_date(f"{text}Z")


@pytest.mark.parametrize(
    "text",
    [
        "2019-02-01T10:00:00Z",
        "2019-02-01t10:00z",
        "2019-02-01T11:00:00+01:00",
        "2019-02-01T00:00:00-10",
        "2019-02-01T09:59:30-00:00:30",
        "2019-02-01T10:00:00.000000000Z",
        "2019-02-01T11:00:00+01:00[Europe/Vienna]",
    ],
)
def test_an_instant_has_many_texts(text: str) -> None:
    assert parse_instant(text) == parse_instant("2019-02-01T10:00:00Z") is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2019-02-01",
        "2019-02-01T10:00:00",
        "2019-02-30T10:00:00Z",
        "2019-02-01T24:00:00Z",
        "2019-02-01T10:60:00Z",
        "2019-02-01T10:00:00+19:00",
        "2019-02-01T10:00:00+18:00:01",
        "2019-02-01 10:00:00Z",
        "2019-02-01T10:00:00Z\n",
    ],
)
def test_a_text_without_date_time_and_offset_is_no_instant(text: str) -> None:
    assert parse_instant(text) is None


def test_nanoseconds_count() -> None:
    first = parse_instant("2019-02-01T10:00:00.000000001Z")
    assert first == (parse_instant("2019-02-01T10:00:00Z") or 0) + 1


def test_the_ends_of_time_have_offsets_too() -> None:
    assert parse_instant("0001-01-01T00:00:00+18:00") is not None
    assert parse_instant("9999-12-31T23:59:59.999999999-18:00") is not None


def test_now_is_written_in_utc_to_the_second() -> None:
    now = datetime(2026, 3, 4, 23, 6, 7, 890_000, tzinfo=timezone(timedelta(hours=-2)))
    assert date_of(now) == "2026-03-05"
    assert instant_of(now) == "2026-03-05T01:06:07Z"


OFFSETS = st.timedeltas(timedelta(hours=-18), timedelta(hours=18)).map(
    lambda offset: timezone(timedelta(seconds=offset // timedelta(seconds=1)))
)


@given(
    st.datetimes(datetime(1000, 1, 2), datetime(9999, 12, 30), timezones=OFFSETS),  # noqa: DTZ001 - hypothesis adds the zone
    st.datetimes(datetime(1000, 1, 2), datetime(9999, 12, 30), timezones=OFFSETS),  # noqa: DTZ001 - as above
)
def test_instants_are_ordered_as_time_is(one: datetime, other: datetime) -> None:
    first, second = parse_instant(one.isoformat()), parse_instant(other.isoformat())
    assert first is not None
    assert second is not None
    assert (first < second) == (one < other)


@given(st.datetimes(timezones=st.just(UTC)))
def test_now_can_be_read_again(now: datetime) -> None:
    assert parse_instant(instant_of(now)) is not None
    assert parse_date(date_of(now)) == now.date()

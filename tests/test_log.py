import io
import json
import logging
import os
from typing import Any

import pytest
import structlog

from fh.log import configure_logging, logged_lines


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def configured(level: str = "info", style: str = "json", stream: io.StringIO | None = None) -> Any:
    """Configure logging; return a stream and a logger that nobody has used before."""
    stream = stream or io.StringIO()
    configure_logging(level, style, stream)
    return stream, structlog.get_logger()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().split("\n") if line]


def test_a_fact_is_one_line_of_json() -> None:
    stream, log = configured()
    log.info("subscriber_evicted", environment_id="e1", queued=3)
    (line,) = lines(stream)
    timestamp = line.pop("timestamp")
    assert line == {
        "event": "subscriber_evicted",
        "level": "info",
        "environment_id": "e1",
        "queued": 3,
    }
    assert timestamp.endswith("Z")


def test_a_line_stays_one_line_whatever_a_value_holds() -> None:
    stream, log = configured()
    log.info("odd_value", value='a\nb"\u2028', thing=object, error=ValueError("x\ny"))
    assert stream.getvalue().count("\n") == 1
    (line,) = lines(stream)
    assert line["value"] == 'a\nb"\u2028'
    assert line["error"] == "x\ny"


@pytest.mark.parametrize(
    "value", ["\udcff", float("nan"), 1 << 70, b"\xff", {1, 2}, {1: 2}, None, object()]
)
def test_no_value_costs_the_line(value: object) -> None:
    stream, log = configured()
    log.info("odd_value", value=value)
    (line,) = lines(stream)
    assert line["event"] == "odd_value"
    stream.getvalue().encode()


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_what_is_less_important_than_asked_for_is_left_out(level: str, expected: list[str]) -> None:
    stream, log = configured(level)
    for method in (log.debug, log.info, log.warning, log.error):
        method("fact")
    assert [line["level"] for line in lines(stream)] == expected


def test_values_bound_to_a_task_are_on_its_lines() -> None:
    stream, log = configured()
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        log.info("first")
    log.info("second")
    first, second = lines(stream)
    assert first["request_id"] == "r1"
    assert "request_id" not in second


def fail_with_a_secret() -> None:
    password = "hunter2"  # a local variable
    raise ValueError("failed", len(password))


@pytest.mark.parametrize("style", ["json", "console"])
@pytest.mark.parametrize("library", [False, True])
def test_a_traceback_shows_where_and_never_the_local_variables(style: str, library: bool) -> None:
    stream, log = configured(style=style)
    logger: Any = logging.getLogger("a.library") if library else log
    try:
        fail_with_a_secret()
    except ValueError:
        logger.exception("fact")
    shown = stream.getvalue()
    assert "fail_with_a_secret" in shown
    assert "ValueError" in shown
    # The line of the source that sets it is not one of the lines of the traceback.
    assert "hunter2" not in shown


def test_a_traceback_is_part_of_the_json_line() -> None:
    stream, log = configured()
    try:
        fail_with_a_secret()
    except ValueError as error:
        log.warning("fact", exc_info=error)
    (line,) = lines(stream)
    assert line["exception"].startswith("Traceback (most recent call last):\n")
    assert "exc_info" not in line


def test_a_library_s_warning_comes_out_in_the_same_form() -> None:
    stream, _ = configured()
    logging.getLogger("a.library").warning("lost %s of %d", "one", 2)
    (line,) = lines(stream)
    line.pop("timestamp")
    assert line == {"event": "lost one of 2", "level": "warning", "logger": "a.library"}


def test_a_library_s_chatter_is_left_out() -> None:
    stream, _ = configured("debug")
    logging.getLogger("a.library").info("connected")
    assert stream.getvalue() == ""


def test_configuring_again_does_not_double_the_lines() -> None:
    configured()
    stream, log = configured()
    log.info("fact")
    logging.getLogger("a.library").warning("fact")
    assert len(lines(stream)) == 2


@pytest.mark.parametrize(
    ("style", "stream", "readable"),
    [
        ("console", io.StringIO, True),
        ("auto", Terminal, True),
        ("auto", io.StringIO, False),
        ("json", Terminal, False),
    ],
)
def test_lines_are_readable_when_asked_or_when_somebody_reads_along(
    style: str, stream: type[io.StringIO], readable: bool
) -> None:
    found, log = configured(style=style, stream=stream())
    log.info("fact", number=3)
    logging.getLogger("a.library").warning("other fact")
    assert len(found.getvalue().splitlines()) == 2
    assert found.getvalue().startswith("{") is not readable
    assert "fact" in found.getvalue()


def test_lines_are_counted_by_level_those_of_libraries_too() -> None:
    _, log = configured("warning")
    before = logged_lines()
    log.info("not_written")
    log.warning("written")
    log.error("written")
    logging.getLogger("library").critical("written")
    counted = {level: count - before[level] for level, count in logged_lines().items()}
    assert counted == {"debug": 0, "info": 0, "warning": 1, "error": 2}


def test_a_stream_that_nobody_reads_any_more_costs_lines_and_nothing_else() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", encoding="utf-8") as stream:
        configure_logging("info", "json", stream)
        structlog.get_logger().info("lost")
        logging.getLogger("library").warning("lost, too")
    # Nothing was left that could not be written when it was closed, as at the process's end.

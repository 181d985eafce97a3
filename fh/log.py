"""How the process logs: one event per fact, JSON unless somebody is reading along.

error means that someone must act now, warning that something healed by itself, info is the life
of the process, debug each message.
"""

import contextlib
import errno
import io
import json
import logging
import os
import sys
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, TextIO

import msgspec
import structlog
from structlog.typing import EventDict, WrappedLogger

LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("auto", "json", "console")

_GONE: Final = frozenset({errno.EIO, errno.EPIPE})

_lines: Final[Counter[str]] = Counter()  # the log, too, is one for the whole process


def logged_lines() -> Mapping[str, int]:
    """Return how many lines of each level were logged since the start."""
    return {level: _lines[level] for level in LEVELS}


def configure_logging(level: str, style: str, stream: TextIO = sys.stdout) -> None:
    """Send every log line to `stream`; `auto` is readable on a terminal and JSON elsewhere.

    Once nobody is at the other end of it any more, lines are lost, and nothing else.
    """
    readable = style == "console" or (style == "auto" and stream.isatty())
    lasting = _Lasting(stream)
    renderer: Any
    if readable:
        # The other formatters show local variables, and so keys and passwords.
        renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        tracebacks: list[Any] = []
    else:
        renderer = structlog.processors.JSONRenderer(serializer=_to_json)
        tracebacks = [structlog.processors.format_exc_info]
    shared = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _counted,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        *tracebacks,
    ]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(lasting),  # type: ignore[arg-type]  # it writes and flushes
        cache_logger_on_first_use=True,
    )
    # Libraries log through the standard library: their warnings come out in the same form.
    handler = logging.StreamHandler(lasting)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)


class _Lasting:
    """A stream that may be written to even when its terminal was closed, or its pipe."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            self._lose(error)
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._lose(error)

    def _lose(self, error: OSError) -> None:
        if error.errno not in _GONE:
            return  # a full disk may have room again
        # What is kept for it would else be in the way of the process's end, too.
        with contextlib.suppress(OSError, io.UnsupportedOperation):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


def _counted(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    level = str(event["level"])
    _lines["error" if level == "critical" else level] += 1
    return event


def _to_json(event: EventDict, **_: Any) -> str:
    try:
        return msgspec.json.encode(event, enc_hook=str).decode()
    except UnicodeEncodeError:
        # The name of a file can hold bytes that are no text; a line is never lost for that.
        return json.dumps(event, default=str)


def _logger_name(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    record = event.get("_record")
    if record is not None:
        event["logger"] = record.name
    return event

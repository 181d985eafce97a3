"""A reader of what Edge answers that forgives nothing: HTTP/1.1 to the letter, and then the events.

It takes bytes in any pieces and raises `Wrong` at the first that no client should ever see.

Source: RFC 9112, sections 4 to 7, as narrow as Edge writes them.
"""

import re
from dataclasses import dataclass, field

from tests.wire.event_stream import EventStreamReader

_HEAD_END = b"\r\n\r\n"
_STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5]\d\d) ([!-~][ -~]*)")
_HEADER = re.compile(rb"([a-z0-9-]+): ([!-~\x80-\xff](?:[ \t!-~\x80-\xff]*[!-~\x80-\xff])?)?")
_CHUNK_SIZE = re.compile(rb"(?:0|[1-9a-f][0-9a-f]{0,7})\r\n")
_LISTS = frozenset({"connection"})
_WITHOUT_BODY = frozenset({204, 304})


class Wrong(AssertionError):
    """Edge wrote what is no answer."""


@dataclass
class Answer:
    """One answer; a stream's body is read into `events`, too, and may have no end yet."""

    status: int
    headers: dict[str, str]
    body: bytes = b""
    events: EventStreamReader | None = None
    complete: bool = False


@dataclass
class AnswerReader:
    """Feed it; `answers` are those that have begun, `interim` counts those that only cheer."""

    answers: list[Answer] = field(default_factory=list)
    interim: int = 0
    _rest: bytes = b""

    def feed(self, data: bytes) -> None:
        self._rest += data
        while self._rest and self._step():
            pass

    @property
    def complete(self) -> bool:
        """Whether all that was fed makes whole answers."""
        return not self._rest and all(answer.complete for answer in self.answers)

    @property
    def stream(self) -> Answer | None:
        """The answer that is a stream of events, if the last one is."""
        last = self.answers[-1] if self.answers else None
        return last if last is not None and last.events is not None else None

    def _step(self) -> bool:
        if not self.answers or self.answers[-1].complete:
            return self._begin()
        answer = self.answers[-1]
        return self._body(answer) if answer.events is None else self._chunk(answer)

    def _begin(self) -> bool:
        head, end, rest = self._rest.partition(_HEAD_END)
        if not end:
            # Whatever has come must be able to become an answer.
            start = b"HTTP/1.1 "
            if not start.startswith(self._rest[: len(start)]):
                raise Wrong(f"no answer begins like this: {self._rest[:100]!r}")
            return False
        self._rest = rest
        answer = _parsed(head)
        if answer.status < 200:
            self.interim += 1
            return True
        self.answers.append(answer)
        answer.complete = _length(answer) == 0 and answer.events is None
        return True

    def _body(self, answer: Answer) -> bool:
        wanted = _length(answer) - len(answer.body)
        answer.body += self._rest[:wanted]
        self._rest = self._rest[wanted:]
        answer.complete = len(answer.body) == _length(answer)
        return answer.complete

    def _chunk(self, answer: Answer) -> bool:
        found = _CHUNK_SIZE.match(self._rest)
        if found is None:
            if b"\r\n" in self._rest or len(self._rest) > len(b"ffffffff\r\n"):
                raise Wrong(f"no chunk begins like this: {self._rest[:100]!r}")
            return False
        size = int(found.group(), 16)
        end = found.end() + size
        if len(self._rest) < end + 2:
            return False
        if self._rest[end : end + 2] != b"\r\n":
            raise Wrong(f"a chunk does not end where it said: {self._rest[:100]!r}")
        assert answer.events is not None
        answer.body += self._rest[found.end() : end]
        answer.events.feed(self._rest[found.end() : end])
        self._rest = self._rest[end + 2 :]
        if not answer.events.between_events:
            raise Wrong("a chunk ends in the middle of an event")
        if answer.events.ignored:
            raise Wrong(f"a line that means nothing: {answer.events.ignored}")
        answer.complete = size == 0
        return True


def _parsed(head: bytes) -> Answer:
    status_line, *lines = head.split(b"\r\n")
    found = _STATUS_LINE.fullmatch(status_line)
    if found is None:
        raise Wrong(f"no status line: {status_line!r}")
    status = int(found.group(1))
    headers: dict[str, str] = {}
    for line in lines:
        header = _HEADER.fullmatch(line)
        if header is None:
            raise Wrong(f"no header: {line!r}")
        name = header.group(1).decode()
        value = (header.group(2) or b"").decode("latin-1")
        if name in headers and name not in _LISTS:
            raise Wrong(f"twice: {name}")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    answer = Answer(status, headers)
    if headers.get("transfer-encoding") == "chunked":
        answer.events = EventStreamReader()
        if headers.get("content-type") != "text/event-stream":
            raise Wrong("only event streams have no length")
    lengths = {"content-length", "transfer-encoding"} & headers.keys()
    if len(lengths) != (0 if status < 200 or status in _WITHOUT_BODY else 1):
        raise Wrong(f"it can't be told where the answer ends: {headers}")
    return answer


def _length(answer: Answer) -> int:
    text = answer.headers.get("content-length", "0")
    if not (text.isascii() and text.isdigit()):
        raise Wrong(f"no length: {text!r}")
    return int(text)

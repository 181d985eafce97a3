"""An evaluator's process, asked by JSON lines."""

import contextlib
import json
import os
import selectors
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self, TypeAlias

from bench.evaluators.cases import Case

Outcome: TypeAlias = tuple[bool, object] | None

_ENDING_SECONDS = 10
_ANSWER_SECONDS = 60
_READ_BYTES = 65_536


class ContestantFailed(Exception):
    """A contestant ended, or did not answer in time; the text is its own."""


class Contestant:
    """A running evaluator; it ends with the block."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.name = name
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 closed in __exit__
        self._unread = b""
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**os.environ, **environment},
        )
        try:
            introduced = self._report()
        except BaseException:
            self._end()
            raise
        self.version = f"{introduced['version']} on {introduced['interpreter']}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def load(self, case: Case) -> float:
        """Load `case`; return the nanoseconds that the first evaluation took, all caches cold."""
        return float(self._ask(load=asdict(case))["cold_ns"])

    def outcomes(self, name: str) -> tuple[Outcome, ...]:
        """Return what comes of each input of a case."""
        found = self._ask(outcomes=name)["outcomes"]
        return tuple(None if each is None else (each[0], each[1]) for each in found)

    def time(self, name: str, seconds: float) -> float:
        """Return the nanoseconds of one evaluation, over passes of about `seconds`."""
        report = self._ask(time=name, seconds=seconds)
        return float(report["ns"] / report["evaluations"])

    def time_build(self, name: str, times: int) -> tuple[list[float], list[float]]:
        """Return nanoseconds: of building one list of strategies, and up to a first outcome."""
        report = self._ask(build=name, times=times)
        return report["build_ns"], report["first_ns"]

    def _ask(self, **order: object) -> dict[str, Any]:
        assert self._process.stdin
        try:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise self._failed("it has gone") from error
        return self._report()

    def _report(self) -> dict[str, Any]:
        assert self._process.stdout
        deadline = time.monotonic() + _ANSWER_SECONDS
        pieces = [self._unread]
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in pieces[-1]:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise self._failed(f"no answer within {_ANSWER_SECONDS} s")
                data = os.read(self._process.stdout.fileno(), _READ_BYTES)
                if not data:
                    raise self._failed("it ended without a word")
                pieces.append(data)
        line, _, self._unread = b"".join(pieces).partition(b"\n")
        report: dict[str, Any] = json.loads(line)
        return report

    def _failed(self, otherwise: str) -> ContestantFailed:
        self._process.kill()
        self._process.wait()
        self._errors.seek(0)
        return ContestantFailed(f"{self.name}: {self._errors.read().strip() or otherwise}")

    def _end(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        with contextlib.suppress(BrokenPipeError):  # it has gone before
            self._process.stdin.close()
        try:
            self._process.wait(_ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._errors.close()

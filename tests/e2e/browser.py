"""Chromium, and the official browser SDK in pages of it.

One Chromium serves all drivers; each opens a page in a profile of its own.
"""

import json
import os
import select
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.e2e.sdks import BROWSER_SDK, HERE, InstalledSdk, alone, install_modules, must_run

_NAMES = ("chromium", "google-chrome-stable", "google-chrome")
_APT_SECONDS = 300
_START_SECONDS = 60
_STOP_SECONDS = 20


@contextmanager
def open_browser() -> Iterator[InstalledSdk]:
    """Start a Chromium; its pages run the SDK while the context lasts."""
    chromium = _find_chromium()
    directory = HERE / "sdk_browser"
    node, modules = install_modules(BROWSER_SDK, directory)
    # It ends when its stdin does, so also when the test process is killed.
    host = subprocess.Popen(
        [node, str(directory / "browser.js"), chromium],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **modules},
    )
    with host:
        assert host.stdin is not None
        assert host.stdout is not None
        try:
            readable, _, _ = select.select([host.stdout], [], [], _START_SECONDS)
            said = host.stdout.readline() if readable else b""
            assert said, f"{chromium} did not start within {_START_SECONDS} s"
            addresses = json.loads(said)
            environment = {
                **modules,
                "FH_BROWSER": addresses["endpoint"],
                "FH_PAGE": addresses["page"],
            }
            yield InstalledSdk("browser", (node, str(directory / "driver.js")), environment)
            host.stdin.close()
            assert host.wait(_STOP_SECONDS) == 0
        finally:
            host.kill()


def _find_chromium() -> str:
    """Return its path; root gets it where there is none."""
    with alone("chromium"):
        found = _on_path()
        if found is None:
            complaint = _install_chromium()
            found = _on_path()
    if found is not None:
        return found
    if must_run():
        pytest.fail(f"the browser SDK needs Chromium: {complaint}", pytrace=False)
    pytest.skip(f"the browser SDK needs Chromium: {complaint.splitlines()[-1]}")


def _on_path() -> str | None:
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


def _install_chromium() -> str:
    """Install Debian's package; return what there is to say if it is not there afterwards."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return "apt-get install chromium"
    said = ""
    for words in (["update"], ["install", "-y", "chromium"]):
        try:
            done = subprocess.run(
                ["apt-get", "-qq", *words],
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=_APT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"apt-get {words[0]} took longer than {_APT_SECONDS} s"
        # What goes wrong while updating may concern other packages only.
        said = f"apt-get {words[0]}: exit status {done.returncode}\n{done.stdout[-3000:]}".strip()
    return said

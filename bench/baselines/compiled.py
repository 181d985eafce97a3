"""The C broadcaster, compiled when a compiler is there."""

import shutil
import subprocess
from pathlib import Path

_SOURCE = Path(__file__).with_name("broadcaster.c")
_COMPILERS = ("cc", "gcc", "clang")


class NotCompiled(Exception):
    """There is no compiler, or it refused the source."""


def compile_broadcaster(directory: Path) -> Path:
    """Compile the C broadcaster into `directory`; return the program.

    Raises:
        NotCompiled: there is no compiler, or it refused the source.
    """
    compiler = next(filter(None, map(shutil.which, _COMPILERS)), None)
    if compiler is None:
        raise NotCompiled("no compiler")
    program = directory / "broadcaster"
    done = subprocess.run(
        [compiler, "-O2", "-Wall", "-o", str(program), str(_SOURCE)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NotCompiled(f"{compiler} refused the source: {done.stderr.strip()}")
    return program

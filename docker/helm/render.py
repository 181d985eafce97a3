"""Renders the chart for each of the examples, for reviews and for tests without helm.

    python3 docker/helm/render.py

FH_HELM_BIN names helm where it is not on PATH. What was rendered begins with a digest of all that
it was rendered from, so that a test notices when this was forgotten.
"""  # noqa: INP001  a script beside its chart, not a package

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE / "examples"
RENDERED = HERE / "rendered"
OLDEST_KUBERNETES = "1.30.0"


def find_helm() -> str | None:
    """Return the program to use, if there is one."""
    return shutil.which(os.environ.get("FH_HELM_BIN", "helm"))


def digest(example: Path) -> str:
    """Return the SHA-256 of the chart and one file of values."""
    files = sorted(file for file in (HERE / "fh").rglob("*") if file.is_file())
    summed = hashlib.sha256()
    for file in [*files, example]:
        summed.update(f"{file.relative_to(HERE).as_posix()}\0".encode())
        summed.update(hashlib.sha256(file.read_bytes()).digest())
    return summed.hexdigest()


def heading(example: Path) -> str:
    """Return the first line of what is rendered with `example`."""
    return f"# Rendered by render.py, do not edit. Chart and values: {digest(example)}\n"


def render(helm: str, *options: str, release: str = "fh") -> "subprocess.CompletedProcess[str]":
    """Run helm on the chart; `options` are of `helm template`."""
    return subprocess.run(  # noqa: S603  helm, and what our own callers say
        [helm, "template", release, HERE / "fh", "--kube-version", OLDEST_KUBERNETES, *options],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def main() -> str | None:
    """Write every file anew; return what went wrong."""
    helm = find_helm()
    if helm is None:
        return "there is no helm: name it with FH_HELM_BIN"
    for example in sorted(EXAMPLES.glob("*.yaml")):
        done = render(helm, "--values", str(example))
        if done.returncode:
            return f"{example.name}: {done.stderr}"
        RENDERED.mkdir(exist_ok=True)
        (RENDERED / example.name).write_text(heading(example) + done.stdout, encoding="utf-8")
    return None


if __name__ == "__main__":
    sys.exit(main())

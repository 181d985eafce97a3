"""As whom, and how tied to our own life, PostgreSQL's programs are started.

PostgreSQL refuses to run as root. Root therefore starts it in a user namespace in which root is
called nobody: files stay root's, and a home closed to others is no obstacle. Where user namespaces
are denied (many containers), it runs as user 65534 on a directory given to that user.
"""

import os
import pwd
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

log = structlog.get_logger()

NOBODY = 65534
_NAMESPACE = ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--")
# A kill -9 of our process must end the server too: SIGINT is PostgreSQL's fast stop.
_TIED = ("setpriv", "--pdeathsig", "INT", "--")


@dataclass(frozen=True, slots=True)
class Launch:
    """What to put before a command, and which user to become first (None: stay who we are)."""

    prefix: tuple[str, ...] = ()
    tie: tuple[str, ...] = ()
    uid: int | None = None

    def owner(self) -> int:
        """Return the uid that the data directory's files must have, seen from outside."""
        return os.geteuid() if self.uid is None else self.uid

    def options(self) -> dict[str, Any]:
        """Return the arguments for Popen that change the user."""
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.uid, "extra_groups": []}


def works(command: Sequence[str]) -> bool:
    """Return whether `command` can start a program here."""
    if shutil.which(command[0]) is None:
        return False
    run = subprocess.run(  # noqa: S603 - our own constants
        [*command, "true"], capture_output=True, check=False, stdin=subprocess.DEVNULL
    )
    return run.returncode == 0


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def find_launch(works: Callable[[Sequence[str]], bool] = works) -> Launch:
    """Find out how to start PostgreSQL here; a few milliseconds."""
    is_root = os.geteuid() == 0
    # Containers like to run as a uid that has no name, which initdb refuses.
    namespace = _NAMESPACE if is_root or not _has_name(os.geteuid()) else ()
    if works((*namespace, *_TIED)):  # the usual case, with one probe
        return Launch(namespace, _TIED)
    tie = _TIED if works(_TIED) else ()
    if not tie:
        log.warning("embedded_postgres_untied", reason="no setpriv --pdeathsig on this system")
    if not is_root or works(_NAMESPACE):
        return Launch(namespace, tie)
    log.info("embedded_postgres_user_changed", uid=NOBODY, reason="no user namespaces here")
    return Launch((), tie, NOBODY)

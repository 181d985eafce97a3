"""Tells a container's engine whether the role in it is well. Needs nothing but Python.

    healthy.py [readiness | liveness]

It asks on `monitor.port`, where that is unset on `server.port` or else on the port that is the
role's own. Exit status 0: well; 1: not, or not up yet.
"""  # noqa: INP001  a script of the image, not a package

import os
import sys
from contextlib import closing
from http.client import HTTPConnection, HTTPException

_ROLES_PORTS = (8085, 8553, 8902)
_SECONDS = 4.0
_OK = 200


def main(check: str = "readiness") -> str | None:
    """Return what is wrong; None when the role is well."""
    ports = [_told("monitor.port"), _told("server.port"), *_ROLES_PORTS]
    for port in filter(None, ports):
        with closing(HTTPConnection("127.0.0.1", port, timeout=_SECONDS)) as connection:
            try:
                connection.request("GET", f"/health/{check}")
                answer = connection.getresponse()
                said = answer.read().decode(errors="replace")
            except ConnectionRefusedError:  # whoever listens in this container is the role
                continue
            except (OSError, HTTPException) as error:
                return f"{check} on port {port}: {error!r}"
        well = answer.status == _OK
        return None if well else f"{check} on port {port}: {answer.status} {said}"
    return f"{check}: nothing listens"


def _told(name: str) -> int:
    variables = (name, name.upper().replace(".", "_"))
    return int(next(filter(None, map(os.environ.get, variables)), 0))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""Which requests are served without TLS on a port that has it."""

from collections.abc import Set as AbstractSet

from fh.edge.request import Refused
from fh.wire.http_head import RequestHead

_NEEDS_TLS = Refused(400, "this port speaks TLS: ask for the same with https")


def refused_without_tls(head: RequestHead, served_paths: AbstractSet[str] | None) -> Refused | None:
    """Return the refusal of a request that came without TLS, or None if it is served so.

    `served_paths` are the only ones that are; None stands for every path.
    """
    return None if served_paths is None or head.raw_path in served_paths else _NEEDS_TLS

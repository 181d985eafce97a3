"""Whether a client has seen what it is about to change."""

from fh.mr.errors import VersionConflict, VersionMissing


def check_version(what: str, sent: int | None, current: int) -> None:
    """Refuse a change of what the client has not seen.

    Raises:
        VersionMissing: the client does not say which version it read.
        VersionConflict: somebody changed it since.
    """
    if sent is None:
        raise VersionMissing(what)
    if sent != current:
        raise VersionConflict(what)

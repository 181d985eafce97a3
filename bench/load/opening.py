"""Whether what a stream began with makes it an open one."""

_LARGEST_OPENING_BYTES = 4 << 20
_OK = b"HTTP/1.1 200"
_FAILURE = b"event: failure"
_EXCERPT_BYTES = 200


class StreamRefused(Exception):
    """A stream could not be opened, or ended before it was ready."""


def is_ready(seen: bytes, ready_mark: bytes) -> bool:
    """Return whether `ready_mark` is in all that a stream has sent so far.

    Raises:
        StreamRefused: the answer is no 200, tells of a failure, or is endless without the mark.
    """
    if not seen.startswith(_OK[: len(seen)]):
        raise StreamRefused(f"the server answered {excerpt(seen)}")
    if _FAILURE in seen:
        raise StreamRefused(f"the server refuses the key: {excerpt(seen)}")
    if ready_mark in seen:
        return True
    if len(seen) > _LARGEST_OPENING_BYTES:
        raise StreamRefused("the first megabytes of a stream hold no first event")
    return False


def excerpt(seen: bytes) -> str:
    """Return the start of `seen` for a message."""
    return repr(seen[:_EXCERPT_BYTES].decode(errors="replace"))

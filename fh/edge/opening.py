"""What follows from the head of a request for a stream, and nothing else."""

import re
from dataclasses import dataclass

from fh.edge.request import OpenStream, StreamForm
from fh.wire.etag import EMPTY_CONTEXT_TAG, context_tag, parse_last_event_id
from fh.wire.http_head import RequestHead

_ENVIRONMENT_TAG = re.compile("[0-9a-f]{32}[01]")

_SENT_BY_PAGES = ("origin", "sec-fetch-mode")
"""Headers that browsers send and SDKs elsewhere don't."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A request for a stream: what is asked for, and how it is answered.

    Attributes:
        tag: The context's.
        held: The environment's tag that the client still has; None where it has none.
        cors: Whether a page of another origin asks.
        is_page: Whether a page asks, maybe with its own EventSource.
    """

    asked: OpenStream
    tag: str
    held: str | None
    cors: bool
    is_page: bool


def opening_of(asked: OpenStream, head: RequestHead) -> Opening:
    """Return what `head`, which asks for `asked`, comes to."""
    tag, held = resumed(asked)
    return Opening(asked, tag, held, cors=crosses(head), is_page=is_page(head))


def resumed(asked: OpenStream) -> tuple[str, str | None]:
    """Return the tag of the context, and the environment tag that the client still holds.

    An id that was never ours holds nothing: its client is new.
    """
    ignores_context = asked.key is not None and asked.key.client_evaluated
    tag = EMPTY_CONTEXT_TAG if ignores_context else context_tag(asked.context)
    held = parse_last_event_id(asked.last_event_id, tag)
    return tag, held if held is not None and _ENVIRONMENT_TAG.fullmatch(held) else None


def lasts(asked: OpenStream) -> bool:
    """Return whether a stream stays: a page with an EventSource shows an error when it ends."""
    return asked.form is StreamForm.NOTICES


def is_page(head: RequestHead) -> bool:
    """Return whether a page asks, with its own EventSource or by an SDK in it."""
    return any(head.header(name) is not None for name in _SENT_BY_PAGES)


def crosses(head: RequestHead) -> bool:
    """Return whether a page of another origin asks."""
    return head.header("origin") is not None

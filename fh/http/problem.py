"""A refusal on its way to an HTTP client."""

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from msgspec import Struct

from fh.errors import FeatureHubError

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"

_NO_HEADERS: Mapping[str, str] = {}


class ProblemBody(Struct, frozen=True, omit_defaults=True):
    """The JSON body of a refusal."""

    status: int
    title: str
    detail: str | None = None
    field: str | None = None


class Problem(FeatureHubError):
    """An answer with a status of its own.

    Args:
        status: The HTTP status.
        detail: What happened, for a human.
        field: The member of the request that is to blame, as a path (`people[0].email`).
        headers: Sent along, for example `Retry-After`.
        text: Replaces the JSON body where a client expects plain text.
    """

    def __init__(
        self,
        status: int,
        detail: str | None = None,
        *,
        field: str | None = None,
        headers: Mapping[str, str] = _NO_HEADERS,
        text: str | None = None,
    ) -> None:
        super().__init__(detail or _title(status))
        self.status = status
        self.detail = detail
        self.field = field
        self.headers = headers
        self.text = text

    @property
    def content_type(self) -> str:
        """The media type of the body."""
        return JSON if self.text is None else TEXT

    def encode(self) -> bytes:
        """Return the body."""
        if self.text is not None:
            return self.text.encode()
        body = ProblemBody(self.status, _title(self.status), self.detail, self.field)
        return msgspec.json.encode(body)


def problem_of(refusal: FeatureHubError, status: int) -> Problem:
    """Return what a client is told of `refusal`: its text, and its field where it names one."""
    field: object = getattr(refusal, "field", None)
    seconds: object = getattr(refusal, "retry_after_seconds", None)
    return Problem(
        status,
        refusal.told or str(refusal) or None,
        field=field if isinstance(field, str) else None,
        headers={"Retry-After": str(seconds)} if isinstance(seconds, int) else _NO_HEADERS,
    )


def _title(status: int) -> str:
    return HTTPStatus(status).phrase

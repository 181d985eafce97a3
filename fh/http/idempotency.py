"""The header by which a client says that a write is the same as before, and what is kept of it.

Whoever never got an answer sends the same request again, with the same key: it has its effect once
and gets the answer of then. The memory itself is a port: who owns the effects owns it, too.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final, Protocol, TypeAlias

from msgspec import Struct

from fh.http.problem import Problem

HEADER: Final = "Idempotency-Key"
REPEATED: Final = "Idempotency-Replayed"
LONGEST_KEY_CHARACTERS: Final = 255
METHODS: Final = frozenset({"POST", "PUT"})

_KEY: Final = re.compile(rf"[!-~]{{1,{LONGEST_KEY_CHARACTERS}}}")
# The next try may well be answered otherwise: by then somebody may have given the right to it.
_PASSING: Final = frozenset({401, 403, 408, 413, 429})

PARAMETER: Final[Mapping[str, Any]] = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "Of one's own choice: within a day the same request with the same key has its "
    "effect once, and is answered as the first time.",
    "schema": {"type": "string", "pattern": f"^{_KEY.pattern}$"},
}
"""How an OpenAPI document describes the header."""


class KeptAnswer(Struct, frozen=True):
    """An answer as it was sent."""

    status: int
    content_type: str
    body: bytes
    headers: dict[str, str] = {}

    @property
    def lasts(self) -> bool:
        """Whether a repeated request may be answered with it: rights, haste and defects pass."""
        return self.status not in _PASSING and self.status // 100 != 5  # noqa: PLR2004 - 5xx

    @property
    def refuses(self) -> bool:
        """Whether it says that nothing was done."""
        return self.status // 100 == 4  # noqa: PLR2004 - 4xx


@dataclass(frozen=True, slots=True)
class Attempt:
    """A write that carries a key; `request_hash` tells it from others with the same key."""

    caller: Any
    token: str = field(repr=False)
    key: str = field(repr=False)
    request_hash: bytes = b""


Answering: TypeAlias = Callable[[], Awaitable[KeptAnswer]]


class AnswerMemory(Protocol):
    """Where answers are kept."""

    async def once(self, attempt: Attempt, answer: Answering) -> KeptAnswer:
        """Return what was answered before, or else what `answer` returns, having kept it.

        Raises:
            Problem: 422, the key came with another request before; 409, what was answered then is
                not known, or not yet.
            Unavailable: the memory is away; nothing was done.
        """
        ...


def attempt_of(
    key: str, *, caller: Any, token: str, method: str, target: bytes, body: bytes
) -> Attempt:
    """Return the attempt that a request is; `target` is its path with its query, as it came.

    Raises:
        Problem: 400, the key is empty, too long, or not of visible ASCII characters; so are two
            keys, of which nobody knows which one counts.
    """
    if not _KEY.fullmatch(key):
        raise Problem(
            400,
            f"It needs 1 to {LONGEST_KEY_CHARACTERS} visible ASCII characters.",
            field=HEADER,
        )
    parts = (method.encode(), target, body)
    sizes = b"".join(len(part).to_bytes(8) for part in parts)
    return Attempt(caller, token, key, sha256(sizes + b"".join(parts)).digest())

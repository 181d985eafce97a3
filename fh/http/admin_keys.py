"""The keys that operators show, of which only hashes are kept."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest
from typing import Final

from fh.http.problem import Problem

_FEWEST_CHARACTERS: Final = 16
_SHOWN_CHARACTERS: Final = 4


@dataclass(frozen=True, slots=True)
class AdminKey:
    """A key, recognizable but not readable; `masked` is how the log names it."""

    masked: str
    digest: bytes = field(repr=False)


def admin_keys(text: str) -> tuple[AdminKey, ...]:
    """Read keys, separated by commas.

    Raises:
        ValueError: one is so short that it could be guessed, or can't stand in a header.
    """
    keys = [key for each in text.split(",") if (key := each.strip())]
    for key in keys:
        if len(key) < _FEWEST_CHARACTERS:
            raise ValueError(f"expected keys of at least {_FEWEST_CHARACTERS} characters")
        if not key.isascii() or not key.isprintable() or " " in key:
            raise ValueError("expected keys of ASCII letters, digits and signs, without spaces")
    return tuple(AdminKey(f"{key[:_SHOWN_CHARACTERS]}…", _digest(key)) for key in keys)


class AdminCheck:
    """Knows an operator by the key that a request shows."""

    def __init__(self, keys: Sequence[AdminKey]) -> None:
        self._keys = tuple(keys)

    async def authenticate(self, token: str | None) -> str:
        """Return the name of the key that is `token`.

        Raises:
            Problem: 403, there are no keys here, and so no operators; 401, it is none of them.
        """
        if not self._keys:
            raise Problem(403, "Operators have no keys here: set fh.admin.keys to let them in.")
        digest = _digest(token or "")
        # All are compared, so that time tells nothing of which one it was.
        found = [key for key in self._keys if compare_digest(key.digest, digest)]
        if not found:
            raise Problem(
                401,
                "Show one of fh.admin.keys: `Authorization: Bearer …`.",
                headers={"WWW-Authenticate": "Bearer"},
            )
        return found[0].masked


def _digest(key: str) -> bytes:
    return sha256(key.encode()).digest()

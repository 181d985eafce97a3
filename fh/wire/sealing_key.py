"""From what an operator configures to 256 secret bits.

Source: RFC 7914 (scrypt).
"""

import hashlib
import re
import secrets
from typing import Final

from fh.config import Secret

SALT_BYTES: Final = 16

_RAW_KEY: Final = re.compile(r"[0-9a-fA-F]{64}")
_LEAST_CHARACTERS: Final = 16
_LEAST_KINDS: Final = 8
_LEAST_BYTES: Final = 16

# 32 MB and a fifth of a second: the price of a guess, and of the first file of a process.
_COST: Final = 1 << 15
_BLOCKS: Final = 8
_PASSES: Final = 3
_MOST_MEMORY: Final = 64 * 1024 * 1024
_KEY_BYTES: Final = 32


def key_weakness(text: str) -> str | None:
    """Return why `text` is no key to rely on, or None.

    64 hexadecimal digits are taken as 256 random bits, everything else as a passphrase.
    """
    if _RAW_KEY.fullmatch(text):
        if len(set(bytes.fromhex(text))) < _LEAST_BYTES:
            return "is too regular for a random key"
        return None
    if len(text) < _LEAST_CHARACTERS:
        return f"is too short: a passphrase has {_LEAST_CHARACTERS} characters or more"
    if len(set(text)) < _LEAST_KINDS or text.isdigit():
        return "is too regular for a passphrase"
    return None


class SealingKey:
    """A configured key or passphrase.

    Raises:
        ValueError: it is too weak.
    """

    __slots__ = ("_derived", "_raw", "_text", "salt")

    def __init__(self, text: Secret) -> None:
        if (weakness := key_weakness(text.reveal)) is not None:
            raise ValueError(weakness)
        self._text = text
        self._raw = bytes.fromhex(text.reveal) if _RAW_KEY.fullmatch(text.reveal) else None
        self._derived: bytes | None = None
        self.salt = secrets.token_bytes(SALT_BYTES)
        """The salt that was derived with last, or else a random one to derive with."""

    def master(self, salt: bytes) -> bytes:
        """Return the 256 bits; from a passphrase in a fifth of a second, unless as the last time.

        Blocks meanwhile, without holding up other threads.
        """
        if self._raw is not None:
            return self._raw
        if self._derived is None or salt != self.salt:
            self._derived = hashlib.scrypt(
                self._text.reveal.encode(),
                salt=salt,
                n=_COST,
                r=_BLOCKS,
                p=_PASSES,
                maxmem=_MOST_MEMORY,
                dklen=_KEY_BYTES,
            )
            self.salt = salt
        return self._derived

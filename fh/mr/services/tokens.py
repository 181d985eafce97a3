"""Bearer tokens: 256 bits nobody can guess, of which only the SHA-256 is kept."""

import hashlib
import secrets
import string

_ALPHABET = string.ascii_letters + string.digits
_CHARACTERS = 43  # of 62 each: 256 bits


def new_token() -> str:
    """Return a token that was never seen before."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_CHARACTERS))


def hash_token(token: str) -> bytes:
    """Return what is stored of `token`; it needs no salt, for it is no password."""
    return hashlib.sha256(token.encode()).digest()

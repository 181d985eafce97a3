"""Texts that are kept under a password: secrets in settings, as FeatureHub stores them.

    key     PBKDF2-HMAC-SHA256 of the password, salted with the UTF-8 of `salt`, 65,536 rounds
    cipher  base64 of: IV 12 bytes | AES-256-GCM of the UTF-8 text | tag 16 bytes

So what an installation of FeatureHub stored can be read with its password. Without a password a
text is kept as it is; its empty salt tells it from a sealed one.

Deriving a key takes tens of milliseconds on purpose: never do it inside of a transaction.

Source: section 8.3 of the admin contract.
"""

import binascii
import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import pbkdf2_hmac
from typing import Final
from uuid import uuid4

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fh.config import Secret
from fh.errors import FeatureHubError

_ROUNDS: Final = 65_536
_IV_BYTES: Final = 12
_TAB: Final = "\t"


class Unreadable(FeatureHubError):
    """A sealed text was sealed with another password, or was damaged."""

    def __init__(self) -> None:
        super().__init__("It was sealed with another password, or damaged.")


@dataclass(frozen=True, slots=True)
class SealedText:
    """A text as it is kept; one that nothing seals has no salt, and never shows in a repr."""

    cipher: str = field(repr=False)
    salt: str

    @classmethod
    def from_line(cls, line: str) -> "SealedText":
        """Return what `as_line` made; a line without a tab was never sealed."""
        salt, tab, cipher = line.partition(_TAB)
        return cls(cipher, salt) if tab else cls(line, "")

    def as_line(self) -> str:
        """Return it in one line."""
        return f"{self.salt}{_TAB}{self.cipher}"


def seal(password: Secret, texts: Iterable[str]) -> Mapping[str, SealedText]:
    """Return each of `texts` sealed; those of one call share a salt, so one key is derived."""
    if not password.reveal:
        return {text: SealedText(text, "") for text in texts}
    salt = str(uuid4())
    cipher = AESGCM(_key(password, salt))
    return {text: SealedText(_sealed(cipher, text), salt) for text in texts}


def unseal(password: Secret, sealed: Mapping[str, SealedText]) -> Mapping[str, str]:
    """Return the texts, under the same names.

    Raises:
        Unreadable: one of them can't be opened with this password.
    """
    salts = {one.salt for one in sealed.values() if one.salt}
    if salts and not password.reveal:
        raise Unreadable
    ciphers = {salt: AESGCM(_key(password, salt)) for salt in salts}
    return {
        name: _opened(ciphers[one.salt], one.cipher) if one.salt else one.cipher
        for name, one in sealed.items()
    }


def _key(password: Secret, salt: str) -> bytes:
    return pbkdf2_hmac("sha256", password.reveal.encode(), salt.encode(), _ROUNDS)


def _sealed(cipher: AESGCM, text: str) -> str:
    iv = secrets.token_bytes(_IV_BYTES)
    return b64encode(iv + cipher.encrypt(iv, text.encode(), None)).decode()


def _opened(cipher: AESGCM, text: str) -> str:
    try:
        raw = b64decode(text, validate=True)
        return cipher.decrypt(raw[:_IV_BYTES], raw[_IV_BYTES:], None).decode()
    except (binascii.Error, InvalidTag, ValueError) as fault:
        raise Unreadable from fault

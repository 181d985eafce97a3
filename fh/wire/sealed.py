"""Bytes under seal: nobody reads them without the key, and no change to them goes unnoticed.

    header  magic 8 | version 2 | salt of the passphrase 16 | salt of the file 32 | key check 16
    part    length 4, its top bit set on the last part | AES-256-GCM of up to PART_BYTES | tag 16

Each file has a key of its own, derived with its salt, so the number of a part is a nonce that is
never used twice. That number, whether the part is the last one, and the header are authenticated
with each part: none can be changed, moved, left out or taken from another file. The key check tells
another key from damage, and ties the bytes to one key.

SealRefused
├── NotSealed        these are other bytes
├── UnknownVersion   sealed by a newer fh
├── OtherKey         sealed with another key, or the header was changed
├── Damaged          something in it was changed
└── CutOff           it ends too early

Source: NIST SP 800-38D (GCM), RFC 5869 (HKDF), RFC 7914 (scrypt); the parts as in Hoang,
Reyhanitabar, Rogaway and Vizár, "Online Authenticated-Encryption and its Nonce-Reuse
Misuse-Resistance", STREAM.
"""

import hashlib
import re
import secrets
import struct
from hmac import compare_digest
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from fh.config import Secret
from fh.errors import FeatureHubError

PART_BYTES: Final = 256 * 1024
VERSION: Final = 1

_MAGIC: Final = b"fhsealed"
_HEADER: Final = struct.Struct(">8sH16s32s16s")
_LENGTH: Final = struct.Struct(">I")
_LAST: Final = 1 << 31
_TAG_BYTES: Final = 16
_KEY_BYTES: Final = 32
_CHECK_BYTES: Final = 16
_SALT_BYTES: Final = 16
_FILE_SALT_BYTES: Final = 32

_RAW_KEY: Final = re.compile(r"[0-9a-fA-F]{64}")
_LEAST_CHARACTERS: Final = 16
_LEAST_KINDS: Final = 8
_LEAST_BYTES: Final = 16

# 32 MB and a fifth of a second: what a guess costs, and a process once.
_SCRYPT: Final = {"n": 1 << 15, "r": 8, "p": 3, "maxmem": 64 * 1024 * 1024, "dklen": _KEY_BYTES}


class SealRefused(FeatureHubError):
    """The bytes can't be opened."""


class NotSealed(SealRefused):
    """These are other bytes."""

    def __init__(self) -> None:
        super().__init__("it does not begin like a file that fh sealed")


class UnknownVersion(SealRefused):
    """Sealed by a newer fh, in version `version` of the format."""

    def __init__(self, version: int) -> None:
        super().__init__(f"its format is version {version}, this fh knows version {VERSION} only")
        self.version = version


class OtherKey(SealRefused):
    """Sealed with another key, or the header was changed."""

    def __init__(self) -> None:
        super().__init__("it was sealed with another key, or its header was changed")


class Damaged(SealRefused):
    """Something in it was changed."""


class CutOff(SealRefused):
    """It ends too early."""

    def __init__(self) -> None:
        super().__init__("it was cut off: its end is missing")


def key_weakness(text: str) -> str | None:
    """Return why `text` is no key to rely on, or None.

    64 hexadecimal digits are taken as a key of 256 bits, everything else as a passphrase.
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
    """A configured key or passphrase; deriving from a passphrase takes a fifth of a second.

    Raises:
        ValueError: it is too weak.
    """

    __slots__ = ("_is_raw", "_master", "_salt", "_text")

    def __init__(self, text: Secret) -> None:
        if (weakness := key_weakness(text.reveal)) is not None:
            raise ValueError(weakness)
        self._text = text
        self._is_raw = _RAW_KEY.fullmatch(text.reveal) is not None
        self._salt = secrets.token_bytes(_SALT_BYTES)
        self._master: bytes | None = None

    @property
    def salt(self) -> bytes:
        """The salt in use: that of the file opened last, or else a random one."""
        return self._salt

    def derive(self, salt: bytes, file_salt: bytes) -> tuple[AESGCM, bytes]:
        """Return the cipher and the key check of the file with these salts."""
        if self._is_raw:
            master = bytes.fromhex(self._text.reveal)
        else:
            if self._master is None or salt != self._salt:
                self._master = hashlib.scrypt(self._text.reveal.encode(), salt=salt, **_SCRYPT)
            master = self._master
        self._salt = salt
        info = _MAGIC + VERSION.to_bytes(2, "big")
        derived = HKDF(SHA256(), _KEY_BYTES + _CHECK_BYTES, file_salt, info).derive(master)
        return AESGCM(derived[:_KEY_BYTES]), derived[_KEY_BYTES:]


class Sealer:
    """Seals one file. What `seal` and `end` return is to be written in that order."""

    __slots__ = ("_begun", "_buffer", "_cipher", "_header", "_number")

    def __init__(self, key: SealingKey) -> None:
        salt, file_salt = key.salt, secrets.token_bytes(_FILE_SALT_BYTES)
        self._cipher, check = key.derive(salt, file_salt)
        self._header = _HEADER.pack(_MAGIC, VERSION, salt, file_salt, check)
        self._buffer = bytearray()
        self._number = 0
        self._begun = False

    def seal(self, data: bytes) -> bytes:
        """Take more of the content; return what can be written by now."""
        self._buffer += data
        sealed = [self._beginning()]
        # The last part is marked, so something is kept back for it.
        while len(self._buffer) > PART_BYTES:
            sealed.append(self._part(bytes(self._buffer[:PART_BYTES]), last=False))
            del self._buffer[:PART_BYTES]
        return b"".join(sealed)

    def end(self) -> bytes:
        """Return the rest."""
        return self._beginning() + self._part(bytes(self._buffer), last=True)

    def _beginning(self) -> bytes:
        begun, self._begun = self._begun, True
        return b"" if begun else self._header

    def _part(self, data: bytes, *, last: bool) -> bytes:
        sealed = self._cipher.encrypt(_nonce(self._number, last=last), data, self._header)
        self._number += 1
        return _LENGTH.pack(len(sealed) | (_LAST if last else 0)) + sealed


class Opener:
    """Opens one file, however it is cut into pieces. Only after `end` all of it is known good."""

    __slots__ = ("_buffer", "_cipher", "_ended", "_header", "_key", "_number")

    def __init__(self, key: SealingKey) -> None:
        self._key = key
        self._buffer = bytearray()
        self._header = b""
        self._cipher: AESGCM | None = None
        self._number = 0
        self._ended = False

    def feed(self, data: bytes) -> list[bytes]:
        """Take more of the file; return the content of the parts that are complete by now.

        Raises:
            NotSealed, UnknownVersion, OtherKey, Damaged: as the names say.
        """
        self._buffer += data
        if self._cipher is None:
            if not _MAGIC.startswith(bytes(self._buffer[: len(_MAGIC)])):
                raise NotSealed
            if len(self._buffer) < _HEADER.size:
                return []
            self._cipher = self._open_header()
        opened = []
        while (part := self._next_part(self._cipher)) is not None:
            opened.append(part)
        return opened

    def end(self) -> None:
        """Hear that there is no more.

        Raises:
            CutOff: there should be.
        """
        if not self._ended:
            raise CutOff

    def _open_header(self) -> AESGCM:
        self._header = bytes(self._buffer[: _HEADER.size])
        del self._buffer[: _HEADER.size]
        _, version, salt, file_salt, expected = _HEADER.unpack(self._header)
        if version != VERSION:
            raise UnknownVersion(version)
        cipher, check = self._key.derive(salt, file_salt)
        if not compare_digest(check, expected):
            raise OtherKey
        return cipher

    def _next_part(self, cipher: AESGCM) -> bytes | None:
        if self._ended:
            if self._buffer:
                raise Damaged("something follows its end")
            return None
        if len(self._buffer) < _LENGTH.size:
            return None
        (word,) = _LENGTH.unpack(self._buffer[: _LENGTH.size])
        length, last = word & ~_LAST, bool(word & _LAST)
        if not _TAG_BYTES <= length <= PART_BYTES + _TAG_BYTES:
            raise Damaged(f"part {self._number} has an impossible length")
        if len(self._buffer) < _LENGTH.size + length:
            return None
        sealed = bytes(self._buffer[_LENGTH.size : _LENGTH.size + length])
        del self._buffer[: _LENGTH.size + length]
        try:
            part = cipher.decrypt(_nonce(self._number, last=last), sealed, self._header)
        except InvalidTag:
            raise Damaged(f"part {self._number} was changed") from None
        self._number += 1
        self._ended = last
        return part


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])

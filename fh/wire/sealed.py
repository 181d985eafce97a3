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

Source: NIST SP 800-38D (GCM) and RFC 5869 (HKDF). The parts are the construction STREAM of Hoang,
Reyhanitabar, Rogaway and Vizár, "Online Authenticated-Encryption and its Nonce-Reuse
Misuse-Resistance" (2015).
"""

import secrets
import struct
from hmac import compare_digest
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from fh.errors import FeatureHubError
from fh.wire.sealing_key import SALT_BYTES, SealingKey

PART_BYTES: Final = 256 * 1024
VERSION: Final = 1

_MAGIC: Final = b"fhsealed"
_FILE_SALT_BYTES: Final = 32
_CHECK_BYTES: Final = 16
_HEADER: Final = struct.Struct(f">8sH{SALT_BYTES}s{_FILE_SALT_BYTES}s{_CHECK_BYTES}s")
_LENGTH: Final = struct.Struct(">I")
_LAST: Final = 1 << 31
_TAG_BYTES: Final = 16
_KEY_BYTES: Final = 32
_COUNTER_BYTES: Final = 11


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


class Sealer:
    """Seals one file. What `seal` and `end` return is to be written in that order."""

    __slots__ = ("_begun", "_buffer", "_cipher", "_header", "_number")

    def __init__(self, key: SealingKey) -> None:
        salt, file_salt = key.salt, secrets.token_bytes(_FILE_SALT_BYTES)
        self._cipher, check = _derive(key, salt, file_salt)
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
        cipher, check = _derive(self._key, salt, file_salt)
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


def _derive(key: SealingKey, salt: bytes, file_salt: bytes) -> tuple[AESGCM, bytes]:
    """Return the cipher of the file with these salts, and its key check."""
    info = _MAGIC + VERSION.to_bytes(2, "big")
    hkdf = HKDF(SHA256(), _KEY_BYTES + _CHECK_BYTES, file_salt, info)
    derived = hkdf.derive(key.master(salt))
    return AESGCM(derived[:_KEY_BYTES]), derived[_KEY_BYTES:]


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(_COUNTER_BYTES, "big") + bytes([last])

"""What a cache knew, as records: a head, then accounts, then environments.

Each record is its length in 4 bytes and a JSON object. Features are records of their own, a few
hundred in each, and belong to the environment before them: so no record takes long to encode,
however large an environment is.
"""

import struct
from datetime import datetime
from typing import Final, TypeAlias

import msgspec
from msgspec import Struct

from fh.contracts.published import CacheEnvironmentFeature, CacheServiceAccount, PublishEnvironment
from fh.errors import FeatureHubError
from fh.model.ids import FeatureId, ServiceAccountId

NO_POSITION: Final = -1
"""The position of records whose writer did not count events."""

_LENGTH: Final = struct.Struct(">I")


class Malformed(FeatureHubError):
    """The bytes are no records, or a record is none of this version of fh."""


class Head(Struct, frozen=True, tag="head", rename="camel"):
    """What the records are about.

    `origin` names the installation. `written_at` is when they were written; `as_of` is an older
    moment where some of them had not been confirmed since. Every event up to number `position` is
    part of them; NO_POSITION where nobody counted.
    """

    origin: str
    written_at: datetime
    as_of: datetime
    position: int


class Account(Struct, frozen=True, tag="account"):
    """A service account."""

    account: CacheServiceAccount

    def __repr__(self) -> str:
        return f"Account({self.account})"


class DeletedAccounts(Struct, frozen=True, tag="deletedAccounts"):
    """Accounts that an event from before their deletion must not bring back."""

    ids: tuple[ServiceAccountId, ...]


class Environment(Struct, frozen=True, tag="environment"):
    """An environment without its features, and the versions that features were deleted at."""

    environment: PublishEnvironment
    deleted: dict[FeatureId, int]


class Features(Struct, frozen=True, tag="features"):
    """Some features of the environment before them."""

    features: tuple[CacheEnvironmentFeature, ...]


Record: TypeAlias = Head | Account | DeletedAccounts | Environment | Features

_decoder = msgspec.json.Decoder(Record)


def encode_record(record: Record) -> bytes:
    """Return `record` as bytes that can follow other records."""
    text = msgspec.json.encode(record)
    return _LENGTH.pack(len(text)) + text


class RecordReader:
    """Records again, however the bytes are cut into pieces."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Record]:
        """Take more bytes; return the records that are complete by now.

        Raises:
            Malformed: the bytes are none.
        """
        self._buffer += data
        records: list[Record] = []
        at = 0
        while len(self._buffer) >= at + _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer, at)
            end = at + _LENGTH.size + length
            if len(self._buffer) < end:
                break
            records.append(_decoded(bytes(self._buffer[at + _LENGTH.size : end])))
            at = end
        del self._buffer[:at]
        return records

    def end(self) -> None:
        """Hear that there are no more bytes.

        Raises:
            Malformed: a record is cut off.
        """
        if self._buffer:
            raise Malformed("its last record is cut off")


def _decoded(text: bytes) -> Record:
    try:
        record: Record = _decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        # What the library says may quote a key.
        raise Malformed("a record of it is none of this version of fh") from None
    return record

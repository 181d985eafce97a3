"""When a certificate is valid, read from its DER; nothing else of it is of interest here.

Source: RFC 5280, section 4.1; X.690 for the encoding.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from fh.errors import FeatureHubError

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)
_TIME = re.compile(r"[0-9]{14}Z")
_SEQUENCE = 0x30
_VERSION = 0xA0
_UTC_TIME = 0x17
_GENERALIZED_TIME = 0x18
_LONG_LENGTH = 0x80
_MOST_LENGTH_BYTES = 4
_CENTURY_TURN = 50  # years below it, in two digits, are of this century


class MalformedCertificate(FeatureHubError):
    """The text holds no certificate, or one that breaks the grammar."""


@dataclass(frozen=True, slots=True)
class Validity:
    """From when to when a certificate is good."""

    begins_at: datetime
    ends_at: datetime


def first_certificate(pem: str) -> bytes:
    """Return the DER of the first certificate in `pem`, the server's own where there is a chain.

    Raises:
        MalformedCertificate: there is none.
    """
    found = _PEM.search(pem)
    if found is None:
        raise MalformedCertificate("it holds no certificate in PEM")
    try:
        return base64.b64decode("".join(found[1].split()), validate=True)
    except binascii.Error as error:
        raise MalformedCertificate(f"its certificate is not base64: {error}") from error


def parse_validity(der: bytes) -> Validity:
    """Return the validity of the certificate that `der` encodes.

    Raises:
        MalformedCertificate: it is none.
    """
    certificate, _ = _expect(der, _SEQUENCE)
    rest, _ = _expect(certificate, _SEQUENCE)
    if rest[:1] == bytes([_VERSION]):
        _, _, rest = _element(rest)
    for _ in ("serial number", "signature algorithm", "issuer"):
        _, _, rest = _element(rest)
    validity, _ = _expect(rest, _SEQUENCE)
    begins_at, validity = _time(validity)
    ends_at, _ = _time(validity)
    return Validity(begins_at, ends_at)


def _time(data: bytes) -> tuple[datetime, bytes]:
    tag, content, rest = _element(data)
    text = content.decode("ascii", errors="replace")
    if tag == _UTC_TIME:
        text = ("20" if text[:2].isdigit() and int(text[:2]) < _CENTURY_TURN else "19") + text
    elif tag != _GENERALIZED_TIME:
        raise MalformedCertificate("its validity is not made of times")
    if not _TIME.fullmatch(text):
        raise MalformedCertificate("its validity is malformed")
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC), rest
    except ValueError as error:
        raise MalformedCertificate("its validity is malformed") from error


def _expect(data: bytes, wanted: int) -> tuple[bytes, bytes]:
    tag, content, rest = _element(data)
    if tag != wanted:
        raise MalformedCertificate("it is not a certificate")
    return content, rest


def _element(data: bytes) -> tuple[int, bytes, bytes]:
    """Return tag and content of the first element of `data`, and what follows it."""
    if len(data) < len(("tag", "length")):
        raise MalformedCertificate("it ends early")
    tag, length, start = data[0], data[1], 2
    if length & _LONG_LENGTH:
        size = length & ~_LONG_LENGTH
        if not 0 < size <= _MOST_LENGTH_BYTES:
            raise MalformedCertificate("a length is malformed")
        length, start = int.from_bytes(data[2 : 2 + size]), 2 + size
    end = start + length
    if end > len(data):
        raise MalformedCertificate("it ends early")
    return tag, data[start:end], data[end:]

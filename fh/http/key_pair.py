"""A certificate and its private key: two files that are read together, or refused together."""

import ssl
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeAlias

from fh.config import Secret
from fh.errors import FeatureHubError
from fh.wire.x509 import MalformedCertificate, first_certificate, parse_validity

ALPN = ("h2", "http/1.1")

Part: TypeAlias = Literal["certificate", "key", "key-password"]

_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""For TLS 1.2: those that HTTP/2 allows."""

_ENCRYPTED = "ENCRYPTED"
_PRIVATE_KEY = "PRIVATE KEY-----"


class KeyPairRefused(FeatureHubError):
    """The files can't be used; `part` says which of them is to blame."""

    def __init__(self, part: Part, reason: str) -> None:
        super().__init__(reason)
        self.part = part


@dataclass(frozen=True, slots=True)
class KeyPairFiles:
    """Where the certificate with its chain and the private key are, both PEM."""

    certificate: Path
    key: Path
    password: Secret = field(default_factory=Secret)


@dataclass(frozen=True, slots=True)
class KeyPair:
    """What connections are served with, and when its certificate is valid."""

    context: ssl.SSLContext
    begins_at: datetime
    ends_at: datetime

    def is_valid(self, now: datetime) -> bool:
        """Return whether clients whose clock shows `now` accept it."""
        return self.begins_at <= now < self.ends_at


def load_key_pair(files: KeyPairFiles) -> KeyPair:
    """Return what is in the files; blocks while they are read.

    Raises:
        KeyPairRefused: one is missing, unreadable or malformed, or they do not belong together.
    """
    certificate = _text(files.certificate, "certificate")
    key = _text(files.key, "key")
    try:
        validity = parse_validity(first_certificate(certificate))
    except MalformedCertificate as error:
        raise KeyPairRefused("certificate", f"{files.certificate}: {error}") from error
    if _PRIVATE_KEY not in key:
        raise KeyPairRefused("key", f"{files.key} holds no private key in PEM")
    return KeyPair(_context(files, key), validity.begins_at, validity.ends_at)


def _context(files: KeyPairFiles, key: str) -> ssl.SSLContext:
    def password() -> str:
        # Without an answer of ours OpenSSL would ask whoever sits at the terminal.
        if not files.password.reveal:
            raise KeyPairRefused("key-password", f"is missing: {files.key} is encrypted")
        return files.password.reveal

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_ciphers(_CIPHERS)
    context.set_alpn_protocols(ALPN)
    try:
        context.load_cert_chain(files.certificate, files.key, password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            reason = f"{files.key} is not the key of {files.certificate}"
            raise KeyPairRefused("key", reason) from error
        if _ENCRYPTED in key:
            raise KeyPairRefused("key-password", f"does not open {files.key}") from error
        reason = f"{files.certificate} and {files.key} can't be used: {error}"
        raise KeyPairRefused("certificate", reason) from error
    except OSError as error:
        # Gone since it was read a moment ago.
        raise KeyPairRefused("certificate", f"can't be read: {error}") from error
    return context


def _text(path: Path, part: Part) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise KeyPairRefused(part, f"can't be read: {error}") from error

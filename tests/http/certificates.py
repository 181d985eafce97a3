"""Certificates for tests: signed by themselves, so that a client trusts one by naming it."""

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from fh.config import Secret
from fh.http.key_pair import KeyPairFiles

HOST = "localhost"


def write_pair(
    directory: Path,
    *,
    name: str = "pair",
    password: str = "",
    begins_in: timedelta = timedelta(days=-1),
    lasts: timedelta = timedelta(days=30),
) -> KeyPairFiles:
    """Write a certificate for this host and its key; return where they are."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begins_at = datetime.now(UTC) + begins_in
    names = [x509.DNSName(HOST), x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins_at)
        .not_valid_after(begins_at + lasts)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    encryption = (
        serialization.BestAvailableEncryption(password.encode())
        if password
        else serialization.NoEncryption()
    )
    files = KeyPairFiles(
        directory / f"{name}.crt",
        directory / f"{name}.key",
        Secret(password),
    )
    files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    )
    return files


def trusting(files: KeyPairFiles, *protocols: str) -> ssl.SSLContext:
    """Return what a client speaks TLS with that trusts this certificate only."""
    context = ssl.create_default_context(cafile=str(files.certificate))
    if protocols:
        context.set_alpn_protocols(protocols)
    return context

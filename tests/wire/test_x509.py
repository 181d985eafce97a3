from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from fh.wire.x509 import MalformedCertificate, first_certificate, parse_validity
from tests.http.certificates import write_pair

PEM = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n"


@pytest.fixture
def pem(tmp_path: Path) -> str:
    return write_pair(tmp_path).certificate.read_text()


def test_it_agrees_with_a_library_of_its_kind(pem: str) -> None:
    known = x509.load_pem_x509_certificate(pem.encode())
    found = parse_validity(first_certificate(pem))
    assert found.begins_at == known.not_valid_before_utc
    assert found.ends_at == known.not_valid_after_utc


def test_years_from_2050_on_are_written_another_way(tmp_path: Path) -> None:
    lasts = timedelta(days=365 * 40)
    pem = write_pair(tmp_path, lasts=lasts).certificate.read_text()
    known = x509.load_pem_x509_certificate(pem.encode())
    assert known.not_valid_after_utc.year > 2050
    assert parse_validity(first_certificate(pem)).ends_at == known.not_valid_after_utc


def test_the_first_of_a_chain_counts(tmp_path: Path) -> None:
    own, issuer = (
        write_pair(tmp_path, name=name).certificate.read_text() for name in ("own", "issuer")
    )
    assert first_certificate(own + issuer) == first_certificate(own)
    assert first_certificate("a comment\n" + issuer) == first_certificate(issuer)


@pytest.mark.parametrize("text", ["", "-----BEGIN PRIVATE KEY-----", PEM.format("not base64!")])
def test_a_text_without_a_certificate_is_refused(text: str) -> None:
    with pytest.raises(MalformedCertificate):
        first_certificate(text)


def test_a_certificate_that_is_cut_short_is_refused(pem: str) -> None:
    der = first_certificate(pem)
    for size in range(len(der)):
        with pytest.raises(MalformedCertificate):
            parse_validity(der[:size])


@given(st.binary(max_size=200))
def test_nothing_but_a_refusal_comes_of_garbage(data: bytes) -> None:
    with pytest.raises(MalformedCertificate):
        parse_validity(data)


def certificate_valid(*times: bytes) -> bytes:
    """Return the least that has a validity, the version left out."""

    def element(tag: int, *content: bytes) -> bytes:
        joined = b"".join(content)
        return bytes([tag, len(joined)]) + joined

    three = element(0x02, b"\1") + element(0x30) + element(0x30)
    return element(0x30, element(0x30, three, element(0x30, *times)))


def test_two_digits_of_a_year_are_of_the_nearer_century() -> None:
    validity = parse_validity(certificate_valid(b"\x17\x0d500101000000Z", b"\x17\x0d491231235959Z"))
    assert validity.begins_at == datetime(1950, 1, 1, tzinfo=UTC)
    assert validity.ends_at == datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    "time",
    [b"\x17\x0d501301000000Z", b"\x17\x0c50010100000Z", b"\x16\x0d500101000000Z", b"\x17\x01\xff"],
)
def test_a_time_that_is_none_is_refused(time: bytes) -> None:
    with pytest.raises(MalformedCertificate):
        parse_validity(certificate_valid(time, time))


def test_a_length_that_is_none_is_refused() -> None:
    with pytest.raises(MalformedCertificate):
        parse_validity(b"\x30\x80" + b"x" * 10)

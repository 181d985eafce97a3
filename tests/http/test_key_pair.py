import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fh.config import Secret
from fh.http.key_pair import KeyPairFiles, KeyPairRefused, load_key_pair
from tests.http.certificates import write_pair


@pytest.fixture
def files(tmp_path: Path) -> KeyPairFiles:
    return write_pair(tmp_path)


def refusal(files: KeyPairFiles) -> KeyPairRefused:
    with pytest.raises(KeyPairRefused) as caught:
        load_key_pair(files)
    return caught.value


def test_a_pair_is_loaded_with_its_validity(files: KeyPairFiles) -> None:
    pair = load_key_pair(files)
    now = datetime.now(UTC)
    assert pair.is_valid(now)
    assert not pair.is_valid(pair.ends_at)
    assert not pair.is_valid(pair.begins_at - timedelta(seconds=1))
    assert timedelta(days=28) < pair.ends_at - now < timedelta(days=30)
    assert pair.context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_certificate_and_key_may_be_one_file(files: KeyPairFiles) -> None:
    files.certificate.write_text(files.certificate.read_text() + files.key.read_text())
    load_key_pair(replace(files, key=files.certificate))


def test_an_encrypted_key_is_opened_with_its_password(tmp_path: Path) -> None:
    files = write_pair(tmp_path, password="open sesame")
    load_key_pair(files)
    wrong = refusal(replace(files, password=Secret("shut")))
    assert wrong.part == "key-password"
    assert "does not open" in str(wrong)
    # Without an answer OpenSSL would ask at the terminal, and wait.
    missing = refusal(replace(files, password=Secret()))
    assert missing.part == "key-password"
    assert "is missing" in str(missing)
    for secret in ("open sesame", "shut"):
        assert secret not in repr(files) + str(wrong) + str(missing)


@pytest.mark.parametrize("part", ["certificate", "key"])
def test_a_file_that_can_not_be_read_is_named(files: KeyPairFiles, part: str) -> None:
    path: Path = getattr(files, part)
    path.unlink()
    found = refusal(files)
    assert found.part == part
    assert str(path) in str(found)


@pytest.mark.parametrize("part", ["certificate", "key"])
@pytest.mark.parametrize("content", [b"", b"\x30\x82\xff\xff", b"no PEM"])
def test_a_file_without_what_it_should_hold_is_named(
    files: KeyPairFiles, part: str, content: bytes
) -> None:
    path: Path = getattr(files, part)
    path.write_bytes(content)
    found = refusal(files)
    assert found.part == part
    assert str(path) in str(found)


def test_the_key_of_another_certificate_is_refused(files: KeyPairFiles, tmp_path: Path) -> None:
    other = write_pair(tmp_path, name="other")
    found = refusal(replace(files, key=other.key))
    assert found.part == "key"
    assert "is not the key of" in str(found)


def test_half_a_key_is_refused(files: KeyPairFiles) -> None:
    text = files.key.read_text()
    files.key.write_text(text[: len(text) // 2])
    assert refusal(files).part in {"certificate", "key"}

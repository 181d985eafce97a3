import pytest

from fh.config import Secret
from fh.wire.sealing_key import SALT_BYTES, SealingKey, key_weakness

RAW = "8f3a5c0e1b7d92466ac4f0e3d5879b1221fe6d7c8a0b934e5f6172c8d9eab304"
PASSPHRASE = "correct horse battery staple"
SALT = bytes(SALT_BYTES)


@pytest.mark.parametrize("text", [RAW, RAW.upper(), PASSPHRASE, RAW[:-1]])
def test_good_keys_are_taken(text):
    assert key_weakness(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "short",
        "a" * 40,
        "abcabcabcabcabcabcabc",
        "0" * 64,
        "0123456789abcdef" * 4,
        "12345678" * 3,
    ],
    ids=str,
)
def test_weak_ones_are_refused(text):
    assert key_weakness(text)
    with pytest.raises(ValueError, match="is too"):
        SealingKey(Secret(text))


def test_hexadecimal_digits_are_the_key_itself():
    assert SealingKey(Secret(RAW)).master(SALT) == bytes.fromhex(RAW)
    assert SealingKey(Secret(RAW.upper())).master(b"x" * SALT_BYTES) == bytes.fromhex(RAW)


def test_a_passphrase_gives_another_key_with_another_salt():
    key = SealingKey(Secret(PASSPHRASE))
    first = key.master(SALT)
    other = key.master(b"x" * SALT_BYTES)
    assert len({first, other}) == 2
    assert SealingKey(Secret(PASSPHRASE)).master(SALT) == first
    assert SealingKey(Secret(PASSPHRASE + "!")).master(SALT) != first


def test_it_derives_once_as_long_as_the_salt_stays(monkeypatch):
    key = SealingKey(Secret(PASSPHRASE))
    first = key.master(SALT)
    assert key.salt == SALT
    monkeypatch.setattr("fh.wire.sealing_key.hashlib.scrypt", None)
    assert key.master(SALT) == first


def test_two_keys_begin_with_salts_of_their_own():
    assert SealingKey(Secret(PASSPHRASE)).salt != SealingKey(Secret(PASSPHRASE)).salt


def test_what_is_shown_of_it_tells_nothing():
    assert PASSPHRASE not in repr(SealingKey(Secret(PASSPHRASE)))

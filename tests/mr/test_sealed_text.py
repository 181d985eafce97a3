import hashlib
from base64 import b64decode, b64encode

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from fh.config import Secret
from fh.mr.sealed_text import SealedText, Unreadable, seal, unseal

PASSWORD = Secret("correct horse")


@settings(max_examples=20)
@given(texts=st.lists(st.text(max_size=200), min_size=1, max_size=5))
def test_what_was_sealed_can_be_opened(texts):
    sealed = seal(PASSWORD, texts)
    assert unseal(PASSWORD, sealed) == {text: text for text in texts}


def test_the_format_is_featurehub_s():
    key = hashlib.pbkdf2_hmac("sha256", b"correct horse", b"a-salt", 65536, 32)
    theirs = b64encode(b"123456789012" + AESGCM(key).encrypt(b"123456789012", b"hello", None))
    assert unseal(PASSWORD, {"x": SealedText(theirs.decode(), "a-salt")}) == {"x": "hello"}

    ours = seal(PASSWORD, ["hello"])["hello"]
    raw = b64decode(ours.cipher)
    key = hashlib.pbkdf2_hmac("sha256", b"correct horse", ours.salt.encode(), 65536, 32)
    assert AESGCM(key).decrypt(raw[:12], raw[12:], None) == b"hello"


def test_equal_texts_do_not_look_alike_and_do_not_show():
    first, second = (seal(PASSWORD, ["hello"])["hello"] for _ in range(2))
    assert first.cipher != second.cipher
    assert first.salt != second.salt
    assert first.cipher not in repr(first)


def test_two_texts_sealed_at_once_have_different_nonces():
    one, other = seal(PASSWORD, ["a", "b"]).values()
    assert b64decode(one.cipher)[:12] != b64decode(other.cipher)[:12]


@pytest.mark.parametrize("other", [Secret("wrong"), Secret()])
def test_another_password_opens_nothing(other):
    with pytest.raises(Unreadable):
        unseal(other, seal(PASSWORD, ["hello"]))


@pytest.mark.parametrize("cipher", ["", "AAAA", "no base64!", "\u00e4", "A" * 64])
def test_damage_is_noticed(cipher):
    with pytest.raises(Unreadable):
        unseal(PASSWORD, {"x": SealedText(cipher, "a-salt")})


def test_without_a_password_texts_stay_as_they_are():
    sealed = seal(Secret(), ["hello"])
    assert sealed == {"hello": SealedText("hello", "")}
    assert unseal(PASSWORD, sealed) == {"hello": "hello"}


def test_one_line_holds_salt_and_cipher():
    sealed = seal(PASSWORD, ["hello"])["hello"]
    assert SealedText.from_line(sealed.as_line()) == sealed
    assert sealed.as_line() == f"{sealed.salt}\t{sealed.cipher}"
    assert SealedText.from_line("plain") == SealedText("plain", "")

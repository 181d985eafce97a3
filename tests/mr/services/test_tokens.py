import hashlib

from fh.mr.services.tokens import hash_token, new_token


def test_a_token_has_256_bits_and_needs_no_escaping():
    token = new_token()
    assert token.isascii()
    assert token.isalnum()
    assert 62 ** len(token) >= 2**256


def test_no_token_comes_twice():
    assert len({new_token() for _ in range(1000)}) == 1000


def test_what_is_kept_is_the_sha_256():
    assert hash_token("abc") == hashlib.sha256(b"abc").digest()

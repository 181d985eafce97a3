"""What was sealed comes back as it was, or not at all."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fh.config import Secret
from fh.wire import sealed as module
from fh.wire.sealed import (
    PART_BYTES,
    VERSION,
    CutOff,
    Damaged,
    NotSealed,
    Opener,
    OtherKey,
    Sealer,
    SealRefused,
    UnknownVersion,
)
from fh.wire.sealing_key import SealingKey

RAW = "8f3a5c0e1b7d92466ac4f0e3d5879b1221fe6d7c8a0b934e5f6172c8d9eab304"
HEADER_BYTES = 74
TAG_AND_LENGTH_BYTES = 20


def key(text=RAW):
    return SealingKey(Secret(text))


def seal(*pieces, with_key=None):
    sealer = Sealer(with_key or key())
    return b"".join([*(sealer.seal(each) for each in pieces), sealer.end()])


def unseal(data, *, piece_bytes=1 << 20, with_key=None):
    opener = Opener(with_key or key())
    parts = []
    for at in range(0, len(data), piece_bytes):
        parts += opener.feed(data[at : at + piece_bytes])
    opener.end()
    return b"".join(parts)


def flipped(data, bit):
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(module, "PART_BYTES", 16)


def boundaries(data):
    """Return where the header and each part end."""
    ends, at = [HEADER_BYTES], HEADER_BYTES
    while at < len(data):
        at += 4 + (int.from_bytes(data[at : at + 4]) & 0x7FFF_FFFF)
        ends.append(at)
    return ends


@given(st.lists(st.binary(max_size=60), max_size=6), st.integers(1, 90), st.integers(1, 40))
def test_what_was_sealed_comes_back_however_it_is_cut(pieces, piece_bytes, part_bytes):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "PART_BYTES", part_bytes)
        assert unseal(seal(*pieces), piece_bytes=piece_bytes) == b"".join(pieces)


def test_large_content_is_sealed_as_it_comes():
    content = random.Random(1).randbytes(3 * PART_BYTES + 1)
    sealer = Sealer(key())
    begun = sealer.seal(content)
    assert len(begun) >= 3 * PART_BYTES
    data = begun + sealer.end()
    assert unseal(data) == content
    assert len(data) == len(content) + HEADER_BYTES + 4 * TAG_AND_LENGTH_BYTES


def test_nothing_is_sealed_and_opened_too():
    assert unseal(seal()) == b""


def test_a_passphrase_opens_what_it_sealed_in_another_process():
    data = seal(b"content", with_key=key("correct horse battery staple"))
    assert unseal(data, with_key=key("correct horse battery staple")) == b"content"
    with pytest.raises(OtherKey):
        unseal(data, with_key=key("correct horse battery stapler"))


def test_who_opened_a_file_seals_the_next_one_without_deriving_anew(monkeypatch):
    data = seal(b"content", with_key=key("correct horse battery staple"))
    mine = key("correct horse battery staple")
    unseal(data, with_key=mine)
    monkeypatch.setattr("fh.wire.sealing_key.hashlib.scrypt", None)
    seal(b"more", with_key=mine)


def test_the_same_content_never_looks_the_same():
    mine = key()
    first, second = seal(b"x" * 64, with_key=mine), seal(b"x" * 64, with_key=mine)
    assert first[HEADER_BYTES:] != second[HEADER_BYTES:]
    assert b"x" * 8 not in first


@pytest.mark.parametrize("bit", range(8 * HEADER_BYTES), ids=lambda bit: f"{bit // 8}.{bit % 8}")
def test_no_bit_of_the_header_can_be_changed(bit):
    with pytest.raises(SealRefused):
        unseal(flipped(seal(b"content"), bit))


@pytest.mark.parametrize("byte", [10, 25], ids=["first of the salt", "last of the salt"])
def test_with_a_passphrase_neither(byte):
    data = seal(b"content", with_key=key("correct horse battery staple"))
    with pytest.raises(OtherKey):
        unseal(flipped(data, 8 * byte), with_key=key("correct horse battery staple"))


def test_no_bit_of_the_content_can_be_changed(small_parts):
    data = seal(b"three parts of content, more or less")
    for bit in range(8 * HEADER_BYTES, 8 * len(data)):
        with pytest.raises((Damaged, CutOff)):
            unseal(flipped(data, bit))


def test_nor_any_of_a_large_one_wherever_one_looks():
    data = seal(random.Random(2).randbytes(2 * PART_BYTES + 1000))
    chosen = random.Random(3)
    for _ in range(100):
        with pytest.raises((Damaged, CutOff)):
            unseal(flipped(data, chosen.randrange(8 * HEADER_BYTES, 8 * len(data))))


def test_it_can_be_cut_off_nowhere(small_parts):
    data = seal(b"three parts of content, more or less")
    for length in range(len(data)):
        with pytest.raises(CutOff):
            unseal(data[:length])


def test_nothing_can_be_added(small_parts):
    data = seal(b"two parts of content")
    for more in (b"\0", data[boundaries(data)[-2] :], data):
        with pytest.raises(Damaged, match="follows its end"):
            unseal(data + more)


def test_parts_can_not_be_left_out_doubled_or_moved(small_parts):
    data = seal(b"four parts of content, as many as it takes for moving some")
    ends = boundaries(data)
    header, parts = data[:HEADER_BYTES], [data[begin:end] for begin, end in pairwise(ends)]
    assert len(parts) == 4
    for others in (
        parts[1:],
        parts[:1] + parts[2:],
        parts[:2] + parts[1:],
        [parts[1], parts[0], *parts[2:]],
        [parts[3]],
    ):
        with pytest.raises(Damaged):
            unseal(header + b"".join(others))


def test_a_part_in_the_middle_can_not_be_made_the_last_one(small_parts):
    data = seal(b"four parts of content, as many as it takes for moving some")
    for begin, end in pairwise(boundaries(data)[:-1]):
        changed = bytearray(data[:end])
        changed[begin] |= 0x80
        with pytest.raises(Damaged, match="was changed"):
            unseal(bytes(changed))


def test_parts_of_another_file_with_the_same_key_do_not_fit(small_parts):
    mine = key()
    one, other = (seal(b"two parts of content", with_key=mine) for _ in range(2))
    end = boundaries(one)[1]
    with pytest.raises(Damaged):
        unseal(one[:end] + other[end:])
    with pytest.raises(Damaged):
        unseal(one[:HEADER_BYTES] + other[HEADER_BYTES:])


def test_another_key_is_told_from_damage():
    with pytest.raises(OtherKey, match="another key"):
        unseal(seal(b"content"), with_key=key(RAW[::-1]))


def test_a_newer_format_is_told():
    data = bytearray(seal(b"content"))
    data[8:10] = (VERSION + 1).to_bytes(2)
    with pytest.raises(UnknownVersion, match="version 2") as refusal:
        unseal(bytes(data))
    assert refusal.value.version == 2


@pytest.mark.parametrize(
    "data", [b"{}", b"fhSealed" + bytes(200), b"\x89PNG\r\n\x1a\n" + bytes(99)]
)
def test_other_files_are_told_at_once(data):
    with pytest.raises(NotSealed):
        Opener(key()).feed(data)


def test_lengths_are_bounded_before_anything_is_kept():
    header = seal(b"content")[:HEADER_BYTES]
    for length in (0, 15, PART_BYTES + 17, 0x7FFF_FFFF):
        with pytest.raises(Damaged, match="impossible length"):
            Opener(key()).feed(header + length.to_bytes(4))

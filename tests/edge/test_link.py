"""What parent and worker say survives the way, however it is cut; nonsense is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from fh.bus.port import Reconnected
from fh.contracts.published import PublishAction
from fh.contracts.updates import StreamedFeatureUpdate
from fh.edge import link
from fh.edge.engine_statistics import EngineStatistics
from fh.edge.link import (
    AccountFound,
    Announced,
    Begin,
    Drain,
    EnvironmentFound,
    Figures,
    FindAccount,
    FindEnvironment,
    FrameReader,
    FrameTooLarge,
    LinkFault,
    NotNow,
    Ready,
    Resync,
    SubmitUpdate,
    UpdateTaken,
    decode_delivery,
    decode_from_parent,
    decode_from_worker,
    encode_delivery,
    encode_frame,
)
from tests.dacha.world import (
    STAGING,
    account,
    account_deleted,
    account_published,
    change,
    deleted_environment,
    environment,
    feature,
    features_published,
)

LARGE = environment(feature(1, value=b"12345678901234567890.5"), feature(2, value_version=None))
UPDATE = StreamedFeatureUpdate(
    "secret", STAGING, "feature-1", value_number=Raw(b"1e400"), updating_value=True
)
BY_PARENT = [
    Begin(Raw(b'{"number":3}')),
    Announced("environment", Raw(b"{}")),
    Resync(),
    EnvironmentFound(1, LARGE),
    EnvironmentFound(2, None),
    AccountFound(3, account()),
    AccountFound(4, None),
    UpdateTaken(5),
    NotNow(6, "MR is away \N{PILE OF POO}"),
    Drain(),
]
BY_WORKER = [
    FindEnvironment(1, STAGING),
    FindAccount(2, "secret \N{SNOWMAN}"),
    SubmitUpdate(3, UPDATE),
    Ready(),
    Figures(EngineStatistics(1, 2, 3, 4, 5, 6, 7), 8),
]
DELIVERIES = [
    Reconnected(),
    LARGE,
    deleted_environment(),
    account_published(account()),
    account_deleted(),
    features_published(change(feature(value=b"1.10"))),
    features_published(change(feature(value_version=None), PublishAction.DELETE)),
]


def texts(reader: FrameReader, data: bytes, cut: int) -> list[bytes]:
    """Return what the reader makes of `data` in pieces of `cut` bytes."""
    pieces = [data[start : start + cut] for start in range(0, len(data), cut)]
    return [text for piece in pieces for text in reader.receive(piece)]


@given(sent=st.lists(st.sampled_from(BY_PARENT)), cut=st.integers(1, 40))
def test_what_a_parent_says_is_heard_however_it_is_cut(sent, cut):
    data = b"".join(encode_frame(each) for each in sent)
    assert [decode_from_parent(text) for text in texts(FrameReader(), data, cut)] == sent


@given(sent=st.lists(st.sampled_from(BY_WORKER)), cut=st.integers(1, 40))
def test_what_a_worker_says_is_heard_however_it_is_cut(sent, cut):
    data = b"".join(encode_frame(each) for each in sent)
    assert [decode_from_worker(text) for text in texts(FrameReader(), data, cut)] == sent


@given(st.lists(st.binary(max_size=50)), st.integers(1, 20))
def test_texts_of_any_bytes_come_whole(sent, cut):
    data = b"".join(len(text).to_bytes(4, "big") + text for text in sent)
    assert texts(FrameReader(most_bytes=50), data, cut) == sent


@pytest.mark.parametrize("delivery", DELIVERIES, ids=lambda each: type(each).__name__)
def test_what_the_bus_brings_arrives_letter_by_letter(delivery):
    [text] = FrameReader().receive(encode_delivery(delivery))
    assert decode_delivery(decode_from_parent(text)) == delivery


def test_a_frame_may_be_as_large_as_the_bound_and_no_larger():
    reader = FrameReader(most_bytes=10)
    assert list(reader.receive(b"\0\0\0\x0a" + b"x" * 10)) == [b"x" * 10]
    with pytest.raises(LinkFault, match="11 bytes"):
        list(reader.receive(b"\0\0\0\x0b"))


def test_frames_before_a_faulty_one_are_still_heard():
    reader = FrameReader(most_bytes=10)
    heard = []
    with pytest.raises(LinkFault):
        heard.extend(reader.receive(b"\0\0\0\x01a\0\0\0\x01b\xff\xff\xff\xff"))
    assert heard == [b"a", b"b"]


def test_what_is_too_large_is_refused_where_it_is_made(monkeypatch):
    monkeypatch.setattr(link, "MOST_FRAME_BYTES", 100)
    encode_frame(NotNow(1, "x" * 50))
    with pytest.raises(FrameTooLarge, match="EnvironmentFound has"):
        encode_frame(EnvironmentFound(1, LARGE))
    with pytest.raises(FrameTooLarge):
        encode_delivery(LARGE)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b'{"type":"Nobody"}',
        b'{"type":"Ready"',
        b"\xff",
        b'{"type":"Drain","a":[' * 9999,
    ],
    ids=["empty", "untyped", "unknown", "cut", "no-text", "deep"],
)
def test_what_nobody_says_is_a_fault(text):
    with pytest.raises(LinkFault):
        decode_from_parent(text)
    with pytest.raises(LinkFault):
        decode_from_worker(text)


def test_a_fault_does_not_tell_what_was_sent():
    with pytest.raises(LinkFault) as caught:
        decode_from_worker(b'{"type":"FindAccount","number":"hunter2","secret":"hunter2"}')
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_question_does_not_show_its_secret():
    assert "hunter2" not in repr(FindAccount(1, "hunter2"))
    assert "hunter2" not in repr(SubmitUpdate(1, StreamedFeatureUpdate("hunter2", STAGING, "a")))


@pytest.mark.parametrize(
    "announced",
    [Announced("weather", Raw(b"{}")), Announced("environment", Raw(b'{"environment":1}'))],
    ids=["kind", "content"],
)
def test_an_announcement_of_nothing_known_is_a_fault(announced):
    with pytest.raises(LinkFault):
        decode_delivery(announced)

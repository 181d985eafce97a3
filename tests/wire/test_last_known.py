from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fh.model.ids import FeatureId, ServiceAccountId
from fh.wire.last_known import (
    NO_POSITION,
    Account,
    DeletedAccounts,
    Environment,
    Features,
    Head,
    Malformed,
    RecordReader,
    encode_record,
)
from tests.dacha.world import CLIENT, SERVER, account, environment, feature

AT = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
RECORDS = [
    Head("party at here", written_at=AT, as_of=AT, position=NO_POSITION),
    Head("", written_at=AT, as_of=AT, position=77),
    DeletedAccounts(()),
    DeletedAccounts((ServiceAccountId(UUID(int=9)),)),
    Account(account(filters=(UUID(int=70),))),
    Environment(environment(info={"a": "b"}), {FeatureId(UUID(int=3)): 4}),
    Environment(environment(), {}),
    Features(()),
    Features(
        (
            feature(1, value=b"1.10"),
            feature(2, value_version=None, properties={"k": "v"}),
            feature(3, value=b'"\\u2713\\n"', retired=True),
        )
    ),
]


@given(st.lists(st.sampled_from(RECORDS), max_size=8), st.integers(1, 2000))
def test_records_come_back_however_they_are_cut(records, piece_bytes):
    data = b"".join(map(encode_record, records))
    reader = RecordReader()
    found = []
    for at in range(0, len(data), piece_bytes):
        found += reader.feed(data[at : at + piece_bytes])
    reader.end()
    assert found == records


def test_a_record_that_is_cut_off_is_told():
    reader = RecordReader()
    assert reader.feed(encode_record(RECORDS[0])[:-1]) == []
    with pytest.raises(Malformed, match="cut off"):
        reader.end()


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b'{"type":"other"}', b'{"type":"head"}', b'{"type":"features","features":[\xff]}'],
    ids=repr,
)
def test_what_is_no_record_is_told(text):
    with pytest.raises(Malformed):
        RecordReader().feed(len(text).to_bytes(4) + text)


def test_a_refusal_quotes_nothing():
    text = encode_record(Account(account()))[4:].replace(
        b'"version":1', b'"version":"server-secret"'
    )
    with pytest.raises(Malformed) as refusal:
        RecordReader().feed(len(text).to_bytes(4) + text)
    assert SERVER not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_what_is_shown_of_an_account_holds_no_secret():
    shown = repr(Account(account()))
    assert SERVER not in shown
    assert CLIENT not in shown

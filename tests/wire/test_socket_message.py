import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fh.wire.socket_message import NotOneEvent, encode_message
from fh.wire.sse import SseEvent, encode, encode_json, with_id

one_line = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | one_line,
    lambda inner: st.lists(inner) | st.dictionaries(one_line, inner),
)


def test_an_event_becomes_one_json_text() -> None:
    event = encode_json("features", b'[{"key":"dark"}]', "abc//1f")
    assert encode_message(event) == '{"event":"features","id":"abc//1f","data":[{"key":"dark"}]}'


def test_an_event_without_an_id_has_none() -> None:
    assert encode_message(encode_json("bye", b"{}")) == '{"event":"bye","data":{}}'


def test_an_id_put_in_front_is_found() -> None:
    event = with_id(encode_json("feature", b'{"key":"a: b"}'), "tag")
    assert encode_message(event) == '{"event":"feature","id":"tag","data":{"key":"a: b"}}'


@given(name=one_line.filter(bool), event_id=one_line, data=values, indent=st.booleans())
def test_nothing_is_lost_whatever_the_fields_hold(
    name: str, event_id: str, data: object, indent: bool
) -> None:
    text = json.dumps(data, ensure_ascii=False, indent=1 if indent else None)
    message = json.loads(encode_message(encode(SseEvent(name, text, event_id))))
    expected = {"event": name, "data": data} | ({"id": event_id} if event_id else {})
    assert message == expected


@pytest.mark.parametrize(
    "event",
    [
        b"",
        b"event: a\ndata: 1\n",
        b"event: a\n\n",
        b"data: 1\n\n",
        b"event: a\ndata: 1\n\nevent: b\ndata: 2\n\n",
        b"event: a\nretry: 5\ndata: 1\n\n",
    ],
    ids=["nothing", "no end", "no data", "no name", "two events", "another field"],
)
def test_what_is_not_one_event_is_refused(event: bytes) -> None:
    with pytest.raises(NotOneEvent):
        encode_message(event)

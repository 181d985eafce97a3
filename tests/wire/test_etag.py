"""Tags agree with the other implementation's, digit by digit."""

import hashlib
import random
from collections.abc import Sequence
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fh.contracts.published import CacheEnvironmentFeature, CacheFeature, CacheFeatureValue
from fh.model.feature_type import FeatureType
from fh.model.ids import FeatureId, FeatureValueId, java_order
from fh.wire.context_header import NO_CONTEXT, ClientContext, parse_context
from fh.wire.etag import (
    EMPTY_CONTEXT_TAG,
    context_tag,
    encode_etag,
    environment_etag,
    parse_if_none_match,
    parse_last_event_id,
)

TAGS = st.from_regex(r"\A[0-9a-f]{1,33}\Z")
CONTEXT_TAGS = st.one_of(st.just(EMPTY_CONTEXT_TAG), st.from_regex(r"\A[1-9a-f][0-9a-f]{0,7}\Z"))


def feature(identifier: str, version: int, value_version: int | None) -> CacheEnvironmentFeature:
    return CacheEnvironmentFeature(
        feature=CacheFeature(
            id=FeatureId(UUID(identifier)),
            key="k",
            value_type=FeatureType.BOOLEAN,
            version=version,
        ),
        value=None
        if value_version is None
        else CacheFeatureValue(
            id=FeatureValueId(UUID(int=1)), key="k", locked=False, version=value_version
        ),
    )


NINE = feature("9cd1a3ef-d06e-4292-95d4-86ec02a3fd5b", 1, 16)
SEVEN = feature("76b612ae-a782-4780-aeaa-597870a8c3ea", 12, 1)
NINE_FIVE = feature("95f6c09a-20e7-41e2-9014-1421682b71b1", 7, 4)
SEVEN_WITHOUT_VALUE = feature("76b612ae-a782-4780-aeaa-597870a8c3ea", 12, None)


@pytest.mark.parametrize(
    ("features", "digest"),
    [
        ([NINE, SEVEN, NINE_FIVE], "5e3eafc18a57bba2080e6ce87b059b78"),
        ([NINE_FIVE, NINE, SEVEN], "2841dda75282414608ca49fdea80cf4e"),
        ([NINE_FIVE, NINE, SEVEN_WITHOUT_VALUE], "1d095342bfcb93eb0c35eebfcd09d42e"),
        ([], "d41d8cd98f00b204e9800998ecf8427e"),
    ],
)
def test_an_environment_has_its_known_digest(
    features: Sequence[CacheEnvironmentFeature], digest: str
) -> None:
    assert environment_etag(features) == digest


def test_the_signed_order_of_the_features_is_java_s() -> None:
    features = [NINE, SEVEN, NINE_FIVE]
    random.Random(1).shuffle(features)
    features.sort(key=lambda each: java_order(each.feature.id))
    assert features == [NINE_FIVE, NINE, SEVEN]


@pytest.mark.parametrize(
    ("header", "digested"),
    [
        ("userkey=fred", '[["userkey",["fred"]]]'),
        (
            "userkey=fred,country=new_zealand",
            '[["country",["new_zealand"]],["userkey",["fred"]]]',
        ),
        ("colours=red%2Cblue", '[["colours",["red","blue"]]]'),
        ("userkey=", '[["userkey",[""]]]'),
        ("a=%F0%9F%98%80", '[["a",["\\ud83d\\ude00"]]]'),
    ],
)
def test_a_tag_is_a_digest_of_the_sorted_context(header: str, digested: str) -> None:
    tag = hashlib.sha256(digested.encode()).hexdigest()[:32]
    assert context_tag(parse_context([header])) == tag


def test_a_context_has_its_known_tag() -> None:
    assert context_tag({"userkey": ("fred",)}) == "285d1a9b00e68df0c3aaa1bd6421f0bf"
    assert context_tag(NO_CONTEXT) == "0"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("userkey=Aa", "userkey=BB"),  # as one to Java
        ("a=b%2Cc", "a=b,c="),
        ("a=%5B%22b%22%5D", "a=b"),
        ("a=b%22%2C%22c", "a=b%2Cc"),
    ],
)
def test_two_contexts_have_two_tags(one: str, other: str) -> None:
    assert context_tag(parse_context([one])) != context_tag(parse_context([other]))


def test_a_lone_surrogate_has_a_tag() -> None:
    assert len(context_tag({"a": ("\ud83d",)})) == 32


@given(
    context=st.dictionaries(
        st.text(max_size=5), st.lists(st.text(max_size=5), max_size=3).map(tuple), max_size=4
    )
)
def test_a_tag_does_not_depend_on_the_order_of_the_attributes(context: ClientContext) -> None:
    turned = dict(reversed(list(context.items())))
    tag = context_tag(context)
    assert context_tag(turned) == tag
    assert (tag == EMPTY_CONTEXT_TAG) == (not context)


def test_nobody_has_the_empty_tag() -> None:
    assert context_tag(NO_CONTEXT) == EMPTY_CONTEXT_TAG


@given(tags=st.lists(TAGS, min_size=1, max_size=4), tag_of_context=CONTEXT_TAGS)
def test_what_a_client_sends_back_is_what_it_was_sent(tags: list[str], tag_of_context: str) -> None:
    text = f'"{encode_etag(tags, tag_of_context)}"'
    assert parse_if_none_match(text, len(tags), tag_of_context) == tuple(tags)


@given(tags=st.lists(TAGS, min_size=1, max_size=4), held=CONTEXT_TAGS, now=CONTEXT_TAGS, more=TAGS)
def test_another_context_or_another_count_of_keys_means_everything(
    tags: list[str], held: str, now: str, more: str
) -> None:
    text = f'"{encode_etag(tags, held)}"'
    if held != now:
        assert parse_if_none_match(text, len(tags), now) is None
    assert parse_if_none_match(text, len(tags) + 1, held) is None
    assert parse_if_none_match(f'"{more};{text[1:]}', len(tags), held) is None


@given(text=st.text(alphabet='"W/;a0', max_size=12), keys=st.integers(min_value=1, max_value=3))
def test_no_header_is_an_error(text: str, keys: int) -> None:
    found = parse_if_none_match(text, keys, "a")
    assert found is None or len(found) == keys
    parse_last_event_id(text, "0")


def by_the_letter(text: str, keys: int, tag_of_context: str) -> tuple[str, ...] | None:
    """Read `if-none-match` in the four steps of section 1.4 of the contract."""
    if not (len(text) >= 2 and text.startswith('"') and text.endswith('"')):
        return None
    parts = text[1:-1].split("//")
    if (parts[1] if len(parts) == 2 else "0") != tag_of_context:
        return None
    tags = tuple(filter(None, parts[0].split(";")))
    return tags if len(tags) == keys else None


@given(
    text=st.lists(
        st.sampled_from(['"', "//", "/", ";", "a1", "0", "f0", "W/", " ", "\0", "\r\n", "\u2028"]),
        max_size=8,
    ).map("".join),
    keys=st.integers(min_value=0, max_value=3),
    tag_of_context=st.sampled_from(["0", "f0", "a1"]),
)
def test_whatever_comes_is_read_by_the_letter(text: str, keys: int, tag_of_context: str) -> None:
    for quoted in (text, f'"{text}"'):
        expected = by_the_letter(quoted, keys, tag_of_context)
        assert parse_if_none_match(quoted, keys, tag_of_context) == expected
    resumed = by_the_letter(text if text.startswith('"') else f'"{text}"', 1, tag_of_context)
    assert parse_last_event_id(text, tag_of_context) == (resumed[0] if resumed else None)


@given(
    context=st.dictionaries(
        st.text(max_size=3), st.lists(st.text(max_size=3), max_size=2).map(tuple), max_size=3
    )
)
def test_a_tag_of_a_context_fits_into_any_header_and_any_id(context: ClientContext) -> None:
    assert context_tag(context).strip("0123456789abcdef") == ""


def test_a_tag_of_no_context_is_not_written() -> None:
    assert encode_etag(["a", "b"], EMPTY_CONTEXT_TAG) == "a;b"
    assert encode_etag(["a", "b"], "f0") == "a;b//f0"


@pytest.mark.parametrize(
    "text", [None, "", '"', '""', "a", 'W/"a"', '"a', 'a"', '"a;b"', '";"', '"a//f0"', "'a'"]
)
def test_what_is_not_one_quoted_tag_without_a_context_means_everything(text: str | None) -> None:
    assert parse_if_none_match(text, 1, EMPTY_CONTEXT_TAG) is None


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ('"a"', ("a",)),
        ('";a;"', ("a",)),  # empty tags are dropped before they are counted
        ('"a//0"', ("a",)),
        ('"a//b//c"', ("a",)),  # three parts: as if there were no context
    ],
)
def test_tags_without_a_context(text: str, tags: tuple[str, ...]) -> None:
    assert parse_if_none_match(text, 1, EMPTY_CONTEXT_TAG) == tags


def test_three_parts_never_match_a_context() -> None:
    assert parse_if_none_match('"a//f0//c"', 1, "f0") is None


@pytest.mark.parametrize(
    ("text", "tag_of_context", "tag"),
    [
        (None, "0", None),
        ("", "0", None),
        ("a", "0", "a"),
        ('"a"', "0", "a"),
        ("a//f0", "f0", "a"),
        ('"a//f0"', "f0", "a"),
        ("a//f0", "0", None),
        ("a", "f0", None),
        ("a;b", "0", None),
        ('"a', "0", None),
    ],
)
def test_a_reconnecting_stream_may_send_its_id_with_quotes_or_without(
    text: str | None, tag_of_context: str, tag: str | None
) -> None:
    assert parse_last_event_id(text, tag_of_context) == tag

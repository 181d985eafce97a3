import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from fh.contracts.published import ABSENT
from fh.model.feature_type import FeatureType
from fh.mr.errors import Invalid
from fh.mr.values import is_unset, json_value, number_text, same_value, stored_text


def _stored(feature_type, **members):
    given_members = {"boolean": None, "string": None, "number": ABSENT, "json": None, **members}
    return stored_text(feature_type, **given_members)


@pytest.mark.parametrize(
    ("feature_type", "members", "text"),
    [
        (FeatureType.BOOLEAN, {"boolean": True}, "true"),
        (FeatureType.BOOLEAN, {"boolean": False}, "false"),
        (FeatureType.BOOLEAN, {}, "false"),
        (FeatureType.STRING, {"string": "x", "json": "y"}, "x"),
        (FeatureType.STRING, {"json": "y"}, None),
        (FeatureType.NUMBER, {"number": Raw(b"1.50")}, "1.50"),
        (FeatureType.NUMBER, {"number": Raw(b"null")}, None),
        (FeatureType.NUMBER, {"string": "1"}, None),
        (FeatureType.JSON, {"json": "{}"}, "{}"),
    ],
)
def test_only_the_member_of_the_type_is_stored(feature_type, members, text):
    assert _stored(feature_type, **members) == text


@pytest.mark.parametrize(
    "raw", [b'"1"', b"true", b"{}", b"[1]", b"1e400", b"-1e400", b"1" * 401, b'"\xff"']
)
def test_what_no_sdk_could_read_as_a_number_is_refused(raw):
    with pytest.raises(Invalid) as refused:
        number_text(Raw(raw), "valueNumber")
    assert refused.value.field == "valueNumber"


@pytest.mark.parametrize(
    ("feature_type", "text", "shown"),
    [
        (FeatureType.BOOLEAN, "true", b"true"),
        (FeatureType.BOOLEAN, "false", b"false"),
        (FeatureType.BOOLEAN, None, b"false"),
        (FeatureType.STRING, 'a"b', b'"a\\"b"'),
        (FeatureType.STRING, None, b""),
        (FeatureType.JSON, "{}", b'"{}"'),
        (FeatureType.NUMBER, "1.50", b"1.50"),
        (FeatureType.NUMBER, " 1.50 ", b"1.50"),
        (FeatureType.NUMBER, "+1.", b"1"),
        (FeatureType.NUMBER, "NaN", b""),
        (FeatureType.NUMBER, "Infinity", b""),
        (FeatureType.NUMBER, "one", b""),
        (FeatureType.NUMBER, None, b""),
    ],
)
def test_stored_values_are_shown_as_json(feature_type, text, shown):
    assert bytes(json_value(feature_type, text)) == shown


@pytest.mark.parametrize(
    ("feature_type", "one", "other", "same"),
    [
        (FeatureType.NUMBER, "15", "15.0", True),
        (FeatureType.NUMBER, "1e2", "100", True),
        (FeatureType.NUMBER, "15", "16", False),
        (FeatureType.NUMBER, "15", None, False),
        (FeatureType.NUMBER, "one", "1", False),
        (FeatureType.NUMBER, "one", "one", True),
        (FeatureType.STRING, "15", "15.0", False),
        (FeatureType.STRING, "", None, False),
        (FeatureType.JSON, "{}", "{ }", False),
        (FeatureType.BOOLEAN, None, "false", True),
        (FeatureType.BOOLEAN, "true", "false", False),
    ],
)
def test_values_are_compared_by_what_they_mean(feature_type, one, other, same):
    assert same_value(feature_type, one, other) is same


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30))
def test_numbers_keep_their_digits(number):
    text = f"{number:f}"
    stored = number_text(Raw(text.encode()), "valueNumber")
    assert bytes(json_value(FeatureType.NUMBER, stored)).decode() == text


def test_a_switch_is_unset_while_it_is_off():
    assert is_unset(FeatureType.BOOLEAN, "false")
    assert is_unset(FeatureType.STRING, None)
    assert not is_unset(FeatureType.BOOLEAN, "true")
    assert not is_unset(FeatureType.STRING, "")

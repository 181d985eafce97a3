import pytest

from fh.mr.errors import Invalid
from fh.mr.sealed_settings import (
    PLACEHOLDER,
    Unsealed,
    check_settings,
    merged,
    sealed_values,
    shown,
)
from fh.mr.sealed_text import SealedText

SEALED = {"s3cret": SealedText("cipher", "salt")}
STORED = {
    "a.url": PLACEHOLDER,
    "a.url.encrypted": "cipher",
    "a.url.salt": "salt",
    "a.encrypt": "a.url",
    "plain": "1",
}


def test_what_is_sent_is_laid_over_what_is_stored():
    assert merged({"a": "1", "b": "2"}, {"b": "3", "c": "4"}, {}) == {
        "a": "1",
        "b": "3",
        "c": "4",
    }


def test_secrets_are_asked_for_and_then_stored_beside_a_placeholder():
    sent = {"a.url": "s3cret", "a.encrypt": "a.url", "plain": "1"}
    assert merged({}, sent, {}) == Unsealed(frozenset({"s3cret"}))
    assert merged({}, sent, SEALED) == STORED


def test_a_placeholder_keeps_the_secret():
    assert merged(STORED, {"a.url": PLACEHOLDER, "plain": "2"}, {}) == STORED | {"plain": "2"}


def test_a_secret_that_changes_is_sealed_anew():
    assert merged(STORED, {"a.url": "new"}, SEALED) == Unsealed(frozenset({"new"}))


def test_an_empty_value_is_no_secret_and_ends_one():
    sent = {"a.url": "", "a.encrypt": "a.url", "plain": "1"}
    assert merged({}, sent, {}) == sent
    assert merged(STORED, {"a.url": ""}, {}) == sent
    assert sealed_values(sent) == {}
    assert shown(sent) == sent


def test_a_plain_value_that_is_listed_later_is_sealed():
    stored = {"a.url": "s3cret"}
    assert merged(stored, {"a.encrypt": "other, a.url "}, {}) == Unsealed(frozenset({"s3cret"}))


def test_a_secret_stored_without_a_password_is_sealed_with_the_next_change():
    stored = STORED | {"a.url.salt": "", "a.url.encrypted": "s3cret"}
    assert merged(stored, {"plain": "1"}, SEALED) == STORED


def test_deleting_takes_all_of_a_setting():
    assert merged(STORED, {"a.url.deleted": "true", "plain.deleted": ""}, {}) == {
        "a.encrypt": "a.url"
    }


def test_a_secret_that_is_listed_no_more_is_gone_and_not_its_placeholder_left():
    assert merged(STORED, {"a.encrypt": ""}, {}) == {"a.encrypt": "", "plain": "1"}


def test_clients_can_not_bring_ciphers_with_them():
    sent = {"a.url": PLACEHOLDER, "a.url.encrypted": "stolen", "a.url.salt": "x", "b.salt": "y"}
    assert merged(STORED, sent, {}) == STORED
    assert merged({"a.encrypt": "a.url"}, sent, {}) == {"a.encrypt": "a.url"}


def test_managed_settings_are_not_the_users():
    assert merged({}, {"mgmt.x": "1", "x": "2"}, {}) == {"x": "2"}


def test_a_list_can_not_name_the_bookkeeping():
    sent = {"a.encrypt": "a.encrypt,b.salt,c.encrypted,d.deleted,,e"}
    assert merged({}, sent, {}) == sent


def test_what_is_shown_holds_no_cipher():
    assert shown(STORED) == {"a.url": PLACEHOLDER, "a.encrypt": "a.url", "plain": "1"}
    assert shown(STORED, {"a.url": "s3cret"})["a.url"] == "s3cret"
    assert sealed_values(STORED) == {"a.url": SealedText("cipher", "salt")}
    assert sealed_values({"a.encrypt": "a.url", "a.url": "plain"}) == {}


@pytest.mark.parametrize(
    "settings",
    [
        {str(number): "" for number in range(501)},
        {"": "x"},
        {"k" * 256: "x"},
        {"k": "x" * 10_001},
    ],
)
def test_settings_have_bounds(settings):
    with pytest.raises(Invalid) as caught:
        check_settings("field", settings)
    assert caught.value.field.startswith("field")

"""Attached strategies: what is sent, and how it is merged with what others attached meanwhile."""

from uuid import UUID

import pytest
from msgspec import Raw

from fh.model.feature_type import FeatureType
from fh.model.roles import Role
from fh.mr.access import EffectiveRoles
from fh.mr.attachment import (
    MOST_ATTACHED,
    Attached,
    SentAttachment,
    decode_attached,
    encode_attached,
    wanted_attached,
)
from fh.mr.errors import Forbidden, Invalid, Locked, VersionConflict
from fh.mr.feature_merge import (
    Changed,
    Rules,
    Setting,
    Unchanged,
    Wanted,
    created,
    merged,
    overwritten,
)

IDS = {letter: UUID(int=number) for number, letter in enumerate("abcd", 1)}


def _rules(*roles: Role, feature_type: FeatureType = FeatureType.STRING) -> Rules:
    return Rules("key", feature_type, EffectiveRoles(frozenset(roles), frozenset()), str)


EDITOR = _rules(Role.CHANGE_VALUE)
LOCKER = _rules(Role.LOCK)


def _list(text: str, version: int = 1) -> tuple[Attached, ...]:
    """Return attachments from `ax by`: the strategy's letter and the value behind it."""
    return tuple(Attached(IDS[word[0]], version, word[1:] or None) for word in text.split())


def _setting(attached: str, *, locked: bool = False, version: int = 1) -> Setting:
    return Setting("v", locked, attached=_list(attached, version))


def _merged(base: str, current: str, sent: str, rules: Rules = EDITOR) -> str:
    wanted = Wanted("v", locked=False, attached=_list(sent, version=9))
    match merged(_setting(base), _setting(current), wanted, rules):
        case Unchanged():
            return current
        case Changed(setting):
            letters = {identifier: letter for letter, identifier in IDS.items()}
            return " ".join(
                letters[one.strategy_id] + (one.value or "") for one in setting.attached
            )


@pytest.mark.parametrize(
    ("base", "current", "sent", "result"),
    [
        ("", "", "ax by", "ax by"),
        ("ax by", "ax by", "by ax", "by ax"),  # reordered
        ("ax by", "ax by", "by", "by"),  # detached
        ("ax", "ax by", "ax2", "ax2 by"),  # another one attached by: it stays
        ("ax by", "ax by2", "ax2 by", "ax2 by2"),  # each changed another value
        ("ax", "ax cz", "ax by", "ax by cz"),
        ("ax", "ax by", "ax by", "ax by"),  # sent again
        ("ax by", "by ax", "ax by", "by ax"),  # not touched by this client
    ],
)
def test_lists_are_merged_by_strategy(base, current, sent, result):
    assert _merged(base, current, sent) == result


@pytest.mark.parametrize(
    ("base", "current", "sent"),
    [("ax", "ay", "az"), ("ax", "", "ay"), ("", "ax", "ay")],
)
def test_two_who_change_one_value_conflict(base, current, sent):
    with pytest.raises(VersionConflict):
        _merged(base, current, sent)


def test_who_did_not_see_the_newest_strategy_may_not_choose_its_value():
    base, current = _setting("ax", version=1), _setting("ax", version=2)
    wanted = Wanted("v", locked=False, attached=_list("ay", version=2))
    with pytest.raises(VersionConflict):
        merged(base, current, wanted, EDITOR)
    same = Wanted("v", locked=False, attached=_list("ax", version=2))
    assert merged(base, current, same, EDITOR) == Unchanged()


def test_a_strategy_that_only_got_another_name_is_no_change():
    wanted = Wanted("v", locked=False, attached=_list("ay", version=7))
    assert isinstance(merged(_setting("ax"), _setting("ax"), wanted, EDITOR), Changed)
    same = Wanted("v", locked=False, attached=_list("ax", version=7))
    assert merged(_setting("ax"), _setting("ax"), same, LOCKER) == Unchanged()


def test_nothing_sent_leaves_the_list_alone():
    wanted = Wanted("w", locked=False)
    outcome = merged(_setting("ax"), _setting("ax by"), wanted, EDITOR)
    assert outcome == Changed(Setting("w", locked=False, attached=_list("ax by")))
    assert overwritten(_setting("ax"), wanted, EDITOR).setting.attached == _list("ax")


def test_numbers_are_compared_as_numbers_and_switches_as_switches():
    rules = _rules(Role.LOCK, feature_type=FeatureType.NUMBER)
    assert _merged("a15", "a15", "a15.0", rules) == "a15"
    rules = _rules(Role.LOCK, feature_type=FeatureType.BOOLEAN)
    assert _merged("a", "afalse", "afalse", rules) == "afalse"


def test_attaching_needs_the_right_to_change_values_and_an_open_lock():
    with pytest.raises(Forbidden):
        _merged("", "", "ax", LOCKER)
    with pytest.raises(Forbidden):
        _merged("ax", "ax", "", LOCKER)
    with pytest.raises(Forbidden):
        created(Wanted(None, locked=True, attached=_list("ax")), LOCKER)
    closed = _setting("", locked=True)
    with pytest.raises(Locked):
        merged(closed, closed, Wanted("v", locked=True, attached=_list("ax")), EDITOR)


def test_a_first_version_and_an_overwriting_one_take_the_list_as_it_is_sent():
    wanted = Wanted(None, locked=False, attached=_list("by ax"))
    assert created(wanted, EDITOR).attached == _list("by ax")
    assert overwritten(_setting("ax"), wanted, EDITOR).setting.attached == _list("by ax")


def _sent(letter: str, value: bytes = b'"x"') -> SentAttachment:
    return SentAttachment(IDS[letter], Raw(value))


def test_what_is_not_known_is_left_out():
    found = wanted_attached(FeatureType.STRING, [_sent("a"), _sent("b")], {IDS["b"]: 3})
    assert found == (Attached(IDS["b"], 3, "x"),)


@pytest.mark.parametrize(
    ("feature_type", "value", "text"),
    [
        (FeatureType.BOOLEAN, b"true", "true"),
        (FeatureType.BOOLEAN, b"", "false"),
        (FeatureType.BOOLEAN, b"null", "false"),
        (FeatureType.NUMBER, b"1.50", "1.50"),
        (FeatureType.NUMBER, b"", None),
        (FeatureType.STRING, b'"1"', "1"),
        (FeatureType.JSON, b'"{}"', "{}"),
        (FeatureType.JSON, b"null", None),
    ],
)
def test_values_are_stored_as_the_features_own_are(feature_type, value, text):
    [found] = wanted_attached(feature_type, [_sent("a", value)], {IDS["a"]: 1})
    assert found.value == text


@pytest.mark.parametrize(
    ("feature_type", "value"),
    [
        (FeatureType.BOOLEAN, b'"true"'),
        (FeatureType.BOOLEAN, b"1"),
        (FeatureType.NUMBER, b'"1"'),
        (FeatureType.NUMBER, b"1e999"),
        (FeatureType.STRING, b"1"),
        (FeatureType.JSON, b"{}"),
        (FeatureType.STRING, b'"\xff"'),
        (FeatureType.STRING, b'"\\u0000"'),
    ],
)
def test_values_of_another_type_are_refused_by_their_place(feature_type, value):
    with pytest.raises(Invalid) as refused:
        wanted_attached(feature_type, [_sent("b"), _sent("a", value)], {IDS["a"]: 1})
    assert refused.value.field == "rolloutStrategyInstances[1].value"


def test_there_is_an_end_to_it():
    with pytest.raises(Invalid):
        wanted_attached(FeatureType.STRING, [_sent("a")] * (MOST_ATTACHED + 1), {})


def test_the_history_keeps_what_was_attached():
    attached = (Attached(IDS["a"], 2, "x", disabled=True), Attached(IDS["b"], 1))
    assert decode_attached(encode_attached(attached)) == attached

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec import Raw

from fh.model.feature_type import FeatureType
from fh.model.roles import ApplicationRole, Role
from fh.mr.access import EffectiveRoles
from fh.mr.errors import Forbidden, Locked, VersionConflict
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
from fh.mr.rollout_strategy import RolloutStrategy, new_strategy_id


def _rules(*roles: Role, feature_type=FeatureType.STRING) -> Rules:
    return Rules(
        "key", feature_type, EffectiveRoles(frozenset(roles), frozenset()), new_strategy_id
    )


ADMIN = _rules(*Role)
EDITOR = _rules(Role.CHANGE_VALUE)
LOCKER = _rules(Role.LOCK)
UNLOCKER = _rules(Role.UNLOCK)
READER = _rules(Role.READ)
OPEN = Setting("a", locked=False)
CLOSED = Setting("a", locked=True)


def _strategy(strategy_id: str | None, value: str = "v") -> RolloutStrategy:
    return RolloutStrategy(id=strategy_id, value=Raw(f'"{value}"'.encode()))


def _list(text: str) -> tuple[RolloutStrategy, ...]:
    """Return strategies from `a b2 c`: an id of one letter and the value behind it."""
    return tuple(_strategy(word[0], word[1:] or "v") for word in text.split())


def _shown(setting: Setting) -> str:
    return " ".join(
        (one.id or "?") + bytes(one.value).decode().strip('"').removeprefix("v")
        for one in setting.strategies
    )


def _same(setting: Setting) -> Wanted:
    return Wanted(setting.value, setting.locked, setting.retired, setting.strategies)


def _with_strategies(text: str) -> Setting:
    return replace(OPEN, strategies=_list(text))


# Lock, value, retired: base, current, wanted -> result -------------------------------------------


def _changed(base, current, wanted, rules=ADMIN) -> Setting:
    outcome = merged(base, current, wanted, rules)
    assert isinstance(outcome, Changed)
    return outcome.setting


def test_what_is_wanted_already_changes_nothing():
    assert merged(OPEN, OPEN, _same(OPEN), READER) == Unchanged()
    newer = Setting("b", locked=True, retired=True)
    assert merged(OPEN, newer, _same(newer), READER) == Unchanged()


def test_an_untouched_facet_keeps_what_others_wrote():
    current = Setting("b", locked=False)
    assert _changed(OPEN, current, replace(_same(OPEN), retired=True)) == replace(
        current, retired=True
    )


def test_a_value_that_others_changed_too_is_a_conflict():
    with pytest.raises(VersionConflict):
        merged(OPEN, replace(OPEN, value="b"), Wanted("c", locked=False), ADMIN)


def test_numbers_are_compared_as_numbers():
    rules = _rules(*Role, feature_type=FeatureType.NUMBER)
    base, current = Setting("15", locked=False), Setting("15.0", locked=False)
    assert merged(base, current, Wanted("15.00", locked=False), rules) == Unchanged()
    assert _changed(base, current, Wanted("16", locked=False), rules).value == "16"


def test_one_request_may_unlock_and_change_or_change_and_lock():
    wanted = Wanted("b", locked=False, retired=True)
    assert _changed(CLOSED, CLOSED, wanted) == Setting("b", locked=False, retired=True)
    assert _changed(OPEN, OPEN, replace(wanted, locked=True)) == Setting(
        "b", locked=True, retired=True
    )


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted("b", locked=True),
        Wanted("a", locked=True, retired=True),
        Wanted("a", locked=True, strategies=[_strategy(None)]),
    ],
)
def test_a_locked_value_can_not_be_changed(wanted):
    with pytest.raises(Locked):
        merged(CLOSED, CLOSED, wanted, ADMIN)


def test_somebody_elses_lock_holds_too():
    with pytest.raises(Locked):
        merged(OPEN, CLOSED, Wanted("b", locked=False), ADMIN)


@pytest.mark.parametrize(
    ("current", "wanted", "rules"),
    [
        (OPEN, Wanted("b", locked=False), LOCKER),
        (OPEN, Wanted("a", locked=False, retired=True), LOCKER),
        (OPEN, Wanted("a", locked=False, strategies=[_strategy(None)]), LOCKER),
        (OPEN, Wanted("a", locked=True), EDITOR),
        (OPEN, Wanted("a", locked=True), UNLOCKER),
        (CLOSED, Wanted("a", locked=False), EDITOR),
        (CLOSED, Wanted("a", locked=False), LOCKER),
    ],
)
def test_each_facet_needs_its_right(current, wanted, rules):
    with pytest.raises(Forbidden):
        merged(current, current, wanted, rules)


def test_of_a_lock_and_a_missing_right_values_tell_the_lock_and_strategies_the_right():
    with pytest.raises(Locked):
        merged(CLOSED, CLOSED, Wanted("b", locked=True), LOCKER)
    with pytest.raises(Forbidden):
        merged(CLOSED, CLOSED, Wanted("a", locked=True, strategies=[_strategy(None)]), LOCKER)


def test_the_lock_rights_suffice_for_the_lock():
    assert _changed(OPEN, OPEN, Wanted("a", locked=True), LOCKER).locked
    assert not _changed(CLOSED, CLOSED, Wanted("a", locked=False), UNLOCKER).locked
    creator = EffectiveRoles(frozenset(), frozenset({ApplicationRole.FEATURE_CREATE}))
    rules = replace(ADMIN, held=creator)
    assert _changed(OPEN, OPEN, Wanted("a", locked=True), rules).locked


# Strategies: base, current, wanted -> result ------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "current", "wanted", "result"),
    [
        ("", "", "a", "a"),
        ("a b", "a b", "a x b", "a x b"),
        ("a b", "a b", "x a b", "x a b"),
        ("a b", "a b2", "a3 b", "a3 b2"),  # different strategies changed
        ("a b", "a b", "b a", "b a"),
        ("a b", "a b", "a", "a"),
        ("a b", "a b2", "a", "a"),  # taken away although changed
        ("a b", "a b x", "b a", "b a x"),  # what others added comes last
        ("a b", "a x b", "a y b", "a y b x"),
        ("a b c", "a c", "a b c2", "a c2"),  # gone, and not touched here
        ("a b", "x a b", "a", "x a"),  # only taken away: the others' order stands
        ("a b c", "a b c", "c x", "c x"),
        ("a b", "a x b", "a x b2", "a x b2"),
    ],
)
def test_lists_of_strategies_are_merged(base, current, wanted, result):
    sent = Wanted("a", locked=False, strategies=_list(wanted))
    outcome = _changed(_with_strategies(base), _with_strategies(current), sent)
    assert _shown(outcome) == result


@pytest.mark.parametrize(
    ("base", "current", "wanted"),
    [
        ("a b", "b a", "a b"),  # the others' order stands
        ("a", "x a", "a"),
        ("a", "", "a"),
        ("a", "a2", "a"),
        ("a", "a2", "a2"),
        ("a", "a x", "a x"),  # this very request again
    ],
)
def test_an_untouched_list_stays_as_others_left_it(base, current, wanted):
    sent = Wanted("a", locked=False, strategies=_list(wanted))
    assert merged(_with_strategies(base), _with_strategies(current), sent, READER) == Unchanged()


@pytest.mark.parametrize(
    ("base", "current", "wanted"),
    [("a", "a2", "a3"), ("a", "", "a2"), ("a", "a x2", "a x3")],
)
def test_one_strategy_changed_by_two_is_a_conflict(base, current, wanted):
    sent = Wanted("a", locked=False, strategies=_list(wanted))
    with pytest.raises(VersionConflict):
        merged(_with_strategies(base), _with_strategies(current), sent, ADMIN)


def test_no_list_at_all_leaves_the_list_alone():
    current = _with_strategies("a b")
    sent = Wanted("b", locked=False)
    assert _changed(current, current, sent).strategies == current.strategies


def test_strategies_without_id_replace_all_others_in_their_order():
    sent = Wanted("a", locked=False, strategies=[_strategy(None, "1"), _strategy(None, "2")])
    current = _with_strategies("a b c")
    outcome = _changed(current, current, sent)
    assert [bytes(one.value) for one in outcome.strategies] == [b'"1"', b'"2"']
    assert all(one.id not in "abc" for one in outcome.strategies)


# Overwriting and creating -------------------------------------------------------------------------


def test_overwriting_replaces_everything_and_always_saves():
    current = replace(OPEN, strategies=_list("a"), retired=True)
    assert overwritten(current, Wanted("a", locked=False), ADMIN) == Changed(OPEN)
    assert overwritten(OPEN, _same(OPEN), LOCKER) == Changed(OPEN)


def test_overwriting_leaves_a_locked_value_alone_unless_it_unlocks():
    assert overwritten(CLOSED, Wanted("b", locked=True, retired=True), ADMIN) == Changed(
        replace(CLOSED, retired=True)
    )
    assert overwritten(CLOSED, Wanted("b", locked=False), ADMIN) == Changed(
        Setting("b", locked=False)
    )


def test_overwriting_without_rights_touches_nothing_or_is_refused():
    assert overwritten(OPEN, Wanted("b", locked=True), LOCKER) == Changed(CLOSED)
    with pytest.raises(Forbidden):
        overwritten(OPEN, Wanted("b", locked=True), EDITOR)
    with pytest.raises(Forbidden):
        overwritten(CLOSED, Wanted("a", locked=False), LOCKER)


SWITCH = {"feature_type": FeatureType.BOOLEAN}


@pytest.mark.parametrize(
    ("wanted", "rules"),
    [
        (Wanted("x", locked=False), EDITOR),
        (Wanted(None, locked=False), LOCKER),
        (Wanted(None, locked=True), LOCKER),
        (Wanted("true", locked=True), _rules(Role.CHANGE_VALUE, **SWITCH)),
        (Wanted("false", locked=True), _rules(Role.LOCK, **SWITCH)),
        (Wanted("false", locked=False), _rules(Role.UNLOCK, **SWITCH)),
    ],
)
def test_a_first_value_may_be_written_with_its_right(wanted, rules):
    assert created(wanted, rules) == Setting(wanted.value, wanted.locked)


@pytest.mark.parametrize(
    ("wanted", "rules"),
    [
        (Wanted(None, locked=False), READER),
        (Wanted("x", locked=False), LOCKER),
        (Wanted(None, locked=False, retired=True), LOCKER),
        (Wanted(None, locked=False, strategies=[_strategy(None)]), LOCKER),
        (Wanted("x", locked=True), EDITOR),
        (Wanted("true", locked=True), _rules(Role.LOCK, **SWITCH)),
        (Wanted("false", locked=False), _rules(Role.LOCK, **SWITCH)),
    ],
)
def test_a_first_value_is_refused_without(wanted, rules):
    with pytest.raises(Forbidden):
        created(wanted, rules)


def test_the_first_strategies_get_ids():
    setting = created(Wanted("x", locked=False, strategies=[_strategy(None)]), EDITOR)
    assert len(setting.strategies[0].id or "") == 4


# Properties ---------------------------------------------------------------------------------------

lists = st.lists(
    st.tuples(st.sampled_from("abcde"), st.sampled_from("12")), unique_by=lambda one: one[0]
).map(lambda words: _list(" ".join(letter + digit for letter, digit in words)))
settings = st.builds(
    Setting, st.sampled_from([None, "1", "2", "3"]), st.booleans(), st.booleans(), lists
)


@given(base=settings, current=settings)
def test_sending_an_old_copy_again_is_a_no_op(base, current):
    # Even a reader may: there is nothing to be allowed.
    assert merged(base, current, _same(base), READER) == Unchanged()


@given(base=settings, wanted=settings)
def test_alone_one_gets_what_one_asked_for(base, wanted):
    assume(not (base.locked and wanted.locked))
    outcome = merged(base, base, _same(wanted), ADMIN)
    result = outcome.setting if isinstance(outcome, Changed) else base
    assert (result.value, result.locked, result.retired) == (
        wanted.value,
        wanted.locked,
        wanted.retired,
    )
    assert _shown(result) == _shown(wanted)


@given(base=settings, wanted=settings)
def test_sending_a_request_twice_is_sending_it_once(base, wanted):
    assume(not base.locked)
    first = merged(base, base, _same(wanted), ADMIN)
    current = first.setting if isinstance(first, Changed) else base
    assert merged(base, current, _same(wanted), ADMIN) == Unchanged()


FACETS = ("value", "retired", "strategies")


@given(base=settings, one=settings, other=settings, data=st.data())
def test_two_editors_of_different_facets_both_succeed(base, one, other, data):
    base = replace(base, locked=False)
    mine, theirs = data.draw(st.permutations(FACETS).map(lambda facets: facets[:2]))
    first = replace(base, **{mine: getattr(one, mine)})
    second = replace(base, **{theirs: getattr(other, theirs)})
    outcome = merged(base, base, _same(first), ADMIN)
    current = outcome.setting if isinstance(outcome, Changed) else base
    outcome = merged(base, current, _same(second), ADMIN)
    result = outcome.setting if isinstance(outcome, Changed) else current
    for facet, source in ((mine, first), (theirs, second)):
        if facet == "strategies":
            assert _shown(result) == _shown(source)
        else:
            assert getattr(result, facet) == getattr(source, facet)

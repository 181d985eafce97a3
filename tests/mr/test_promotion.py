from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fh.model.ids import EnvironmentId
from fh.mr.errors import Invalid
from fh.mr.promotion import Placed, in_promotion_order, moved_behind, reordered
from fh.mr.repositories.environments import Environment

_NOW = datetime(2025, 1, 1, tzinfo=UTC)


def _environment(number: int, prior: int | None) -> Environment:
    return Environment(
        id=UUID(int=number),
        application_id=UUID(int=0),
        portfolio_id=UUID(int=0),
        name=str(number),
        description=None,
        production=False,
        prior_id=None if prior is None else UUID(int=prior),
        information={},
        webhook_information={},
        version=1,
        when_created=_NOW,
        when_updated=_NOW,
    )


def _ordered(*priors: int | None) -> list[int]:
    environments = [_environment(number, prior) for number, prior in enumerate(priors, 1)]
    return [environment.id.int for environment in in_promotion_order(environments)]


def test_each_comes_behind_the_one_it_follows():
    assert _ordered(2, 3, None) == [3, 2, 1]


def test_branches_stay_together_in_the_given_order():
    assert _ordered(None, 1, 1, 2) == [1, 2, 4, 3]


def test_the_unconnected_come_first():
    assert _ordered(None, 1, None) == [3, 1, 2]


def test_a_prior_that_is_gone_counts_as_none():
    assert _ordered(9, 1) == [1, 2]


def test_a_circle_comes_last():
    assert _ordered(2, 1, None) == [3, 1, 2]


@given(st.lists(st.one_of(st.none(), st.integers(1, 8)), max_size=8))
def test_nobody_is_lost_or_doubled(priors):
    assert sorted(_ordered(*priors)) == list(range(1, len(priors) + 1))


def _id(number: int) -> EnvironmentId:
    return EnvironmentId(UUID(int=number))


def _chain(*priors: int | None) -> list[Environment]:
    return [_environment(number, prior) for number, prior in enumerate(priors, 1)]


def _with(environments, priors) -> list[Environment]:
    return [replace(one, prior_id=priors.get(one.id, one.prior_id)) for one in environments]


def test_moving_one_forward_leaves_the_others():
    chain = _chain(None, 1, 2)
    assert moved_behind(chain, chain[2], _id(1)) == {}


def test_moving_one_behind_its_own_follower_hands_on_its_place():
    chain = _chain(None, 1, 2, 3)
    assert moved_behind(chain, chain[1], _id(4)) == {_id(3): _id(1)}


@given(st.permutations(range(1, 7)), st.integers(1, 6), st.integers(1, 6))
def test_moving_never_makes_a_circle(order, moved, behind):
    priors = dict(zip(order[1:], order, strict=False))
    chain = [_environment(number, priors.get(number)) for number in range(1, 7)]
    if moved == behind:
        with pytest.raises(Invalid):
            moved_behind(chain, chain[moved - 1], _id(behind))
        return
    changed = {**moved_behind(chain, chain[moved - 1], _id(behind)), _id(moved): _id(behind)}
    after = {one.id: one.prior_id for one in _with(chain, changed)}
    for start in after:
        steps, here = 0, start
        while here is not None:
            steps, here = steps + 1, after[here]
            assert steps <= 6


@given(st.permutations(range(1, 6)))
def test_any_order_can_be_wanted(order):
    chain = _chain(None, 1, 2, 3, 4)
    priors = dict(zip(order[1:], order, strict=False))
    wanted = [
        Placed(_id(number), 1, _id(priors[number]) if number in priors else None)
        for number in order
    ]
    ordered = in_promotion_order(_with(chain, reordered(chain, wanted)))
    assert [one.id.int for one in ordered] == list(order)


@given(st.lists(st.one_of(st.none(), st.integers(1, 5)), min_size=5, max_size=5))
def test_circles_are_found(priors):
    wanted = [
        Placed(_id(number), 1, None if prior is None else _id(prior))
        for number, prior in enumerate(priors, 1)
    ]

    def ends(number):
        steps = 0
        while number is not None and steps <= 5:
            steps, number = steps + 1, priors[number - 1]
        return number is None

    chain = _chain(None, None, None, None, None)
    if all(ends(number) for number in range(1, 6)):
        reordered(chain, wanted)
    else:
        with pytest.raises(Invalid):
            reordered(chain, wanted)

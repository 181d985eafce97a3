from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from fh.mr.promotion import in_promotion_order
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

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from fh.contracts.published import PublishAction
from fh.dacha.account_tables import KnownAccount
from fh.dacha.holdings import FEATURES_IN_A_RECORD, Holdings, RecordsTaken
from fh.dacha.snapshot import EnvironmentSnapshot
from fh.model.ids import ServiceAccountId
from fh.wire.last_known import Account, Environment, Features, Head, Malformed
from tests.dacha.world import (
    BLUE,
    PRODUCTION,
    RED,
    ROBOT,
    account,
    change,
    environment,
    feature,
)

AT = datetime(2026, 11, 22, tzinfo=UTC)
HEAD = Head("here", written_at=AT, as_of=AT, position=3)
GONE = ServiceAccountId(UUID(int=51))
ONLY_THE_ROBOT = (account(),)


def holdings(*snapshots, accounts=ONLY_THE_ROBOT, deleted=()):
    known = [KnownAccount.of(each, 0) for each in accounts]
    return Holdings(
        snapshots,
        known,
        deleted,
        is_behind=False,
    )


def snapshot(*features, **options):
    return EnvironmentSnapshot.of(environment(*features, **options))


def taken(*records):
    takes = RecordsTaken()
    for each in records:
        takes.take(each)
    return takes.end()


def test_everything_comes_back_in_its_order():
    many = snapshot(*(feature(number) for number in range(2 * FEATURES_IN_A_RECORD + 1)))
    gone = change(feature(7, version=9), PublishAction.DELETE)
    held = holdings(
        many.with_changes([gone]),
        snapshot(id=PRODUCTION, info={"a": "b"}),
        accounts=(
            account(filters=(RED, BLUE)),
            account(id=GONE, version=3, client="c*", server="s"),
        ),
        deleted=(ServiceAccountId(UUID(int=52)),),
    )
    head, knowledge = taken(HEAD, *held.records())
    assert head is HEAD
    assert knowledge.deleted_accounts == [ServiceAccountId(UUID(int=52))]
    first, second = knowledge.accounts
    assert (first.id, first.filters) == (ROBOT, (RED, BLUE))
    assert second == account(id=GONE, version=3, client="c*", server="s")
    for mine, theirs in zip(held.environments, knowledge.environments, strict=True):
        assert (theirs.environment, theirs.features) == (mine.environment, mine.features)
        assert (theirs.features, theirs.deleted) == (mine.features, mine.deleted)
        assert theirs.application_id == mine.application_id


def test_no_record_holds_more_than_a_few_features():
    many = snapshot(*(feature(number) for number in range(2 * FEATURES_IN_A_RECORD + 1)))
    sizes = [len(each.features) for each in holdings(many).records() if isinstance(each, Features)]
    assert sizes == [FEATURES_IN_A_RECORD, FEATURES_IN_A_RECORD, 1]
    described = [each for each in holdings(many).records() if isinstance(each, Environment)]
    assert [each.environment.features for each in described] == [()]


@pytest.mark.parametrize(
    "records",
    [[], [Account(account())], [HEAD, HEAD], [HEAD, Features(())]],
    ids=["nothing", "no head", "two heads", "features of nothing"],
)
def test_records_in_a_wrong_order_are_told(records):
    with pytest.raises(Malformed):
        taken(*records)


def test_whatever_is_known_otherwise_is_a_difference():
    one, other = snapshot(feature()), snapshot(id=PRODUCTION)
    robot, droid = account(), account(id=GONE)
    before = holdings(one, accounts=(robot,))
    assert not before.differ_from(before)
    for after in (
        replace(before, environments=()),
        replace(before, environments=(one, other)),
        replace(before, environments=(other,)),
        replace(before, environments=(snapshot(feature()),)),  # as it was, but said again
        replace(before, accounts=()),
        holdings(one, accounts=(robot, droid)),
        holdings(one, accounts=(robot,)),  # likewise
    ):
        assert after.differ_from(before)
        assert before.differ_from(after)


def test_the_order_of_use_is_no_difference():
    held = holdings(snapshot(feature()), snapshot(id=PRODUCTION), accounts=(account(), account()))
    shuffled = replace(
        held, environments=held.environments[::-1], accounts=held.accounts[::-1], is_behind=True
    )
    assert not held.differ_from(shuffled)

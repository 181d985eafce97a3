"""What was missed, told as the bus would have told it: whoever hears it ends where we are."""

from msgspec import structs

from fh.contracts.published import DELETED_VERSION, PublishAction
from fh.dacha.account_tables import KnownAccount
from fh.dacha.differences import account_difference, environment_differences
from fh.dacha.snapshot import EnvironmentSnapshot
from fh.model.roles import Role
from tests.dacha.world import RED, ROBOT, STAGING, account, environment, feature, versions


def snapshot(*features, **kwargs):
    return EnvironmentSnapshot.of(environment(*features, **kwargs))


def caught_up(before, differences):
    """Return `before` with what was told."""
    for each in differences:
        if hasattr(each, "environment"):
            before = before.with_environment(each)
        else:
            before = before.with_changes(each.features)
    return before


def known(**kwargs):
    return KnownAccount.of(account(**kwargs), changed=1)


def test_nothing_is_told_of_what_is_the_same():
    before = snapshot(feature(1), feature(2))
    assert environment_differences(before, before) == []
    assert environment_differences(before, snapshot(feature(1), feature(2))) == []


def test_changed_new_and_vanished_features_are_told_together():
    before = snapshot(feature(1), feature(2), feature(3))
    after = snapshot(feature(1), feature(2, value_version=2), feature(4))
    [told] = environment_differences(before, after)
    assert [(each.action, each.feature.feature.key) for each in told.features] == [
        (PublishAction.UPDATE, "feature-2"),
        (PublishAction.UPDATE, "feature-4"),
        (PublishAction.DELETE, "feature-3"),
    ]
    assert {each.environment_id for each in told.features} == {STAGING}
    assert versions(caught_up(before, [told]).features) == versions(after.features)


def test_a_changed_environment_is_told_with_all_its_features():
    before = snapshot(feature(1))
    after = snapshot(feature(1), feature(2), version=2, info={"a": "b"})
    told = environment_differences(before, after)
    assert told[0].action is PublishAction.UPDATE
    assert told[0].environment == after.environment
    there = caught_up(before, told)
    assert there.environment == after.environment
    assert there.features == after.features


def test_a_vanished_environment_is_told_as_deleted():
    [told] = environment_differences(snapshot(feature(1)), None)
    assert (told.action, told.environment.id) == (PublishAction.DELETE, STAGING)
    assert told.environment.version == DELETED_VERSION


def test_an_account_is_told_when_anything_about_it_changed():
    before = known()
    assert account_difference(before, known()) is None
    for changed in (
        known(version=2),
        known(permissions=()),
        known(filters=(RED,)),
        known(server="another"),
    ):
        told = account_difference(before, changed)
        assert told.action is PublishAction.UPDATE
        again = KnownAccount.of(told.service_account, changed=2)
        assert (again.version, again.roles, again.filters, again.secrets) == (
            changed.version,
            changed.roles,
            changed.filters,
            changed.secrets,
        )


def test_an_account_without_permissions_is_told_without_them():
    told = account_difference(known(permissions=((STAGING, (Role.READ,)),)), known(permissions=()))
    assert told.service_account.permissions == ()


def test_a_vanished_account_is_told_as_deleted_without_its_secrets():
    told = account_difference(known(), None)
    assert told.action is PublishAction.DELETE
    assert told.service_account == structs.replace(
        account(version=DELETED_VERSION, server="", client="", permissions=()), id=ROBOT
    )

from uuid import UUID

from fh.contracts.answers import Denied, Granted
from fh.dacha.account_tables import KnownAccount
from fh.dacha.snapshot import EnvironmentSnapshot
from fh.dacha.view import Views, visible_features
from fh.model.ids import ServiceAccountId
from fh.model.roles import Role
from fh.wire.etag import environment_etag
from tests.dacha.world import (
    BLUE,
    PRODUCTION,
    RED,
    ROBOT,
    STAGING,
    account,
    change,
    environment,
    feature,
)

READ = ((STAGING, (Role.READ,)),)
EXTENDED = ((STAGING, (Role.READ, Role.EXTENDED_DATA)),)


def known(**kwargs):
    return KnownAccount.of(account(**kwargs), changed=0)


def snapshot(*features, **kwargs):
    return EnvironmentSnapshot.of(environment(*features, **kwargs))


def test_a_key_with_permission_sees_every_feature_retired_ones_too():
    of = snapshot(feature(), feature(2, retired=True, filters=(RED,)), info={"a": "b"})
    view = Views(9).view(of, known())
    assert isinstance(view, Granted)
    assert view.account_id == ROBOT
    assert view.roles == {Role.READ}
    assert view.environment_info == {"a": "b"}
    assert (view.organisation_id, view.portfolio_id, view.application_id) == (
        UUID(int=10), UUID(int=11), UUID(int=12),
    )  # fmt: skip
    assert view.features == of.features
    assert view.etag == environment_etag(of.features) + "0"


def test_any_role_lets_a_key_read():
    assert isinstance(
        Views(9).view(snapshot(), known(permissions=((STAGING, (Role.LOCK,)),))), Granted
    )


def test_no_permission_or_an_empty_one_is_denied():
    for permissions in [(), ((STAGING, ()),), ((PRODUCTION, (Role.READ,)),)]:
        assert Views(9).view(snapshot(), known(permissions=permissions)) == Denied()


def test_filters_let_through_what_shares_one_with_the_account():
    of = snapshot(
        feature(1), feature(2, filters=(RED,)), feature(3, filters=(BLUE, RED)),
        feature(4, filters=(BLUE,)),
    )  # fmt: skip
    view = Views(9).view(of, known(filters=(RED,)))
    assert [each.feature.key for each in view.features] == ["feature-2", "feature-3"]
    assert view.etag == environment_etag(view.features) + "0"
    assert all(view.sees(each) for each in view.features)


def test_properties_are_for_extended_data_only():
    of = snapshot(feature(properties={"p": "1"}), feature(2))
    plain = Views(9).view(of, known(permissions=READ))
    extended = Views(9).view(of, known(permissions=EXTENDED))
    assert [each.properties for each in plain.features] == [None, None]
    assert [each.properties for each in extended.features] == [{"p": "1"}, None]
    assert plain.features[1] is of.features[1]
    assert (plain.etag[-1], extended.etag[-1]) == ("0", "1")
    assert plain.etag[:-1] == extended.etag[:-1] == environment_etag(of.features)


def test_features_without_properties_are_not_copied():
    of = snapshot(feature(), feature(2))
    assert visible_features(of, frozenset(), extended_data=False).features is of.features


def test_equal_views_are_one_object_until_the_snapshot_or_the_account_changes():
    views, of, by = Views(9), snapshot(feature(properties={"p": "1"})), known()
    first = views.view(of, by)
    assert views.view(of, by) is first
    assert views.view(of, known()) is not first
    newer = of.with_changes([change(feature(value_version=2))])
    assert views.view(newer, by) is not first
    assert views.view(newer, by) is views.view(newer, by)
    assert views.view(newer, by).etag != first.etag


def test_accounts_with_the_same_filters_share_their_features():
    views = Views(9)
    of = snapshot(feature(filters=(RED,), properties={"p": "1"}), feature(2))
    one = views.view(of, known(filters=(RED,)))
    other = views.view(of, known(filters=(RED,), id=ServiceAccountId(UUID(int=51))))
    assert one is not other
    assert one.features is other.features
    assert one.etag is other.etag


def test_the_views_kept_are_bounded():
    views, of = Views(2), snapshot()
    for number in range(5):
        views.view(of, known(id=ServiceAccountId(UUID(int=number))))
    assert len(views) == 2

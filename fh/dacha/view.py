"""What a key sees of an environment. Pure.

Equal views are one object: Edge keeps the bytes it encoded from a view for as long as it meets
the same object again. Accounts with the same filters share `features`, be they 10,000.

Source: sections 5.2 and 5.3 of the data plane's contract.
"""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from fh.contracts.answers import Denied, Granted
from fh.contracts.published import CacheEnvironmentFeature
from fh.dacha.account_tables import KnownAccount
from fh.dacha.recent import Recent
from fh.dacha.snapshot import EnvironmentSnapshot
from fh.model.ids import EnvironmentId, FeatureFilterId, ServiceAccountId
from fh.model.roles import Role
from fh.wire.etag import environment_etag

DENIED = Denied()

_NO_INFO: Mapping[str, str] = MappingProxyType({})


class VisibleFeatures(Struct, frozen=True, eq=False):
    """The features that one set of filters lets through, and their etag."""

    snapshot: EnvironmentSnapshot
    features: tuple[CacheEnvironmentFeature, ...]
    etag: str


class _View(Struct, frozen=True, eq=False):
    snapshot: EnvironmentSnapshot
    account: KnownAccount
    granted: Granted


class Views:
    """The views asked for lately, each as long as its snapshot and its account are current."""

    __slots__ = ("_granted", "_visible")

    def __init__(self, capacity: int) -> None:
        self._granted: Recent[tuple[int, int], _View] = Recent(capacity)
        self._visible: Recent[tuple[int, frozenset[FeatureFilterId], bool], VisibleFeatures] = (
            Recent(capacity)
        )

    def view(self, snapshot: EnvironmentSnapshot, account: KnownAccount) -> Granted | Denied:
        """Return what `account` sees of `snapshot`."""
        # Numbers: a UUID takes ten times as long to be hashed.
        key = (snapshot.environment.id.int, account.id.int)
        kept = self._granted.use(key)
        if kept is not None and kept.snapshot is snapshot and kept.account is account:
            return kept.granted
        roles = account.roles.get(snapshot.environment.id)
        if roles is None:
            return DENIED
        visible = self._features(snapshot, account.filters, Role.EXTENDED_DATA in roles)
        granted = Granted(
            organisation_id=snapshot.organisation_id,
            portfolio_id=snapshot.portfolio_id,
            application_id=snapshot.application_id,
            account_id=account.id,
            roles=roles,
            filters=account.filters,
            environment_info=snapshot.environment.info or _NO_INFO,
            features=visible.features,
            etag=visible.etag,
        )
        self._granted.keep(key, _View(snapshot, account, granted))
        return granted

    def forget(self, environment_id: EnvironmentId, account_id: ServiceAccountId) -> bool:
        """Forget what an account saw of an environment; return whether it saw something lately."""
        return self._granted.pop((environment_id.int, account_id.int)) is not None

    def _features(
        self,
        snapshot: EnvironmentSnapshot,
        filters: frozenset[FeatureFilterId],
        extended_data: bool,  # noqa: FBT001 - part of the key, no switch of behaviour
    ) -> VisibleFeatures:
        key = (snapshot.environment.id.int, filters, extended_data)
        kept = self._visible.use(key)
        if kept is not None and kept.snapshot is snapshot:
            return kept
        visible = visible_features(snapshot, filters, extended_data=extended_data)
        self._visible.keep(key, visible)
        return visible

    def __len__(self) -> int:
        return len(self._granted)


def visible_features(
    snapshot: EnvironmentSnapshot, filters: frozenset[FeatureFilterId], *, extended_data: bool
) -> VisibleFeatures:
    """Return the features that `filters` let through, retired ones among them.

    No filters let everything through; some hide what carries none of them, and so whatever
    carries no filter at all. Properties are for extended data only.
    """
    features = snapshot.features
    if filters:
        features = tuple(each for each in features if not filters.isdisjoint(each.feature.filters))
    digest = environment_etag(features)
    if not extended_data and any(each.properties is not None for each in features):
        features = tuple(
            each if each.properties is None else replace(each, properties=None) for each in features
        )
    return VisibleFeatures(snapshot, features, digest + ("1" if extended_data else "0"))

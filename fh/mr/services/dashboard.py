"""The dashboard: a page of features with their values in all environments, side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fh.db.port import Transaction
from fh.model.ids import ApplicationId, EnvironmentId, FeatureId, FeatureValueId
from fh.model.roles import Role
from fh.mr.access import Caller, administers, environments_shown, is_member
from fh.mr.errors import NotFound
from fh.mr.promotion import in_promotion_order
from fh.mr.repositories.access import find_application_rights
from fh.mr.repositories.dashboard import (
    FeaturePage,
    PageAttachment,
    PageGroup,
    PageValue,
    find_page,
    find_page_attachments,
    find_page_groups,
    find_page_values,
)
from fh.mr.repositories.environments import Environment, find_environments
from fh.mr.repositories.features import Feature


@dataclass(frozen=True, slots=True)
class DashboardEnvironment:
    """An environment, the caller's roles there, and values by feature of the page."""

    environment: Environment
    roles: frozenset[Role]
    values: Mapping[FeatureId, PageValue]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A page of features, how many there are in all, and all environments in their order.

    Attributes:
        attached: What is attached to values.
        grouped: Strategies of feature groups, by environment and feature.
    """

    features: Sequence[Feature]
    total: int
    environments: Sequence[DashboardEnvironment]
    attached: Mapping[FeatureValueId, Sequence[PageAttachment]]
    grouped: Mapping[tuple[EnvironmentId, FeatureId], Sequence[PageGroup]]


async def load_dashboard(
    tx: Transaction,
    caller: Caller,
    application_id: ApplicationId,
    page: FeaturePage,
    chosen: Sequence[EnvironmentId],
) -> Dashboard:
    """Return a page of the dashboard, with values in the `chosen` environments, or in all.

    Raises:
        NotFound: there is no such application, or the caller sees none of those environments.
    """
    rights = await find_application_rights(tx, caller, application_id)
    if rights is None or not is_member(caller, rights.portfolio_id):
        raise NotFound("application")
    environments = in_promotion_order(await find_environments(tx, [application_id]))
    wanted = set(chosen) or {one.id for one in environments}
    held = environments_shown(caller, rights, [one.id for one in environments])
    visible = {one: roles for one, roles in held.items() if one in wanted}
    if not visible and not administers(caller, rights.portfolio_id):
        raise NotFound("application")
    features, total = await find_page(tx, application_id, page)
    places = list(visible), [one.id for one in features]
    values = await _values(tx, *places)
    attached: dict[FeatureValueId, list[PageAttachment]] = {}
    for attachment in await find_page_attachments(tx, *places):
        attached.setdefault(attachment.value_id, []).append(attachment)
    grouped: dict[tuple[EnvironmentId, FeatureId], list[PageGroup]] = {}
    for group in await find_page_groups(tx, *places):
        grouped.setdefault((group.environment_id, group.feature_id), []).append(group)
    return Dashboard(
        features,
        total,
        [
            DashboardEnvironment(one, visible.get(one.id, frozenset()), values.get(one.id, {}))
            for one in environments
        ],
        attached,
        grouped,
    )


async def _values(
    tx: Transaction, environment_ids: Sequence[EnvironmentId], feature_ids: Sequence[FeatureId]
) -> Mapping[EnvironmentId, Mapping[FeatureId, PageValue]]:
    found: dict[EnvironmentId, dict[FeatureId, PageValue]] = {one: {} for one in environment_ids}
    for value in await find_page_values(tx, environment_ids, feature_ids):
        found[value.environment_id][value.feature_id] = value
    return found

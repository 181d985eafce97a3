"""`/mr-api/application/{id}/all-feature-environment`."""

from collections.abc import Sequence

from msgspec import Struct

from fh.db.port import Database
from fh.http.routing import AnyRoute, Request, Route
from fh.model.feature_type import FeatureType
from fh.model.ids import ApplicationId, EnvironmentId, FeatureFilterId
from fh.mr.access import Caller
from fh.mr.http.schemas.dashboard import ApplicationFeatureValues, dashboard_body
from fh.mr.http.schemas.sorting import SortOrder
from fh.mr.repositories.dashboard import FeaturePage
from fh.mr.services.dashboard import load_dashboard
from fh.mr.settings import MrSettings

_FURTHEST_PAGE = 1_000_000


class DashboardQuery(Struct, frozen=True, rename="camel"):
    """Which features, and in which environments."""

    environment_ids: tuple[EnvironmentId, ...] = ()
    filter: str = ""
    feature_types: tuple[FeatureType, ...] = ()
    feature_filter: tuple[FeatureFilterId, ...] = ()
    sort_order: SortOrder = SortOrder.ASC
    max: int | None = None
    page: int = 0


def routes(database: Database, settings: MrSettings) -> Sequence[AnyRoute]:
    """Return the route of the dashboard."""

    async def load(request: Request[Caller, DashboardQuery, None]) -> ApplicationFeatureValues:
        query, application_id = request.query, ApplicationId(request.uuid("id"))
        page = _page(query, settings.most_features_a_page)
        found = await database.transaction(
            lambda tx: load_dashboard(
                tx, request.caller, application_id, page, query.environment_ids
            ),
            read_only=True,
        )
        return dashboard_body(application_id, found)

    return [
        Route(
            "GET",
            "/mr-api/application/{id:uuid}/all-feature-environment",
            "findAllFeatureAndFeatureValuesForEnvironmentsByApplication",
            load,
            tag="FeatureService",
            query=DashboardQuery,
            response=ApplicationFeatureValues,
        ),
    ]


def _page(query: DashboardQuery, most: int) -> FeaturePage:
    limit = most if query.max is None else min(max(query.max, 1), most)
    return FeaturePage(
        text=query.filter.strip(),
        types=query.feature_types,
        filters=query.feature_filter,
        descending=query.sort_order is SortOrder.DESC,
        limit=limit,
        offset=min(max(query.page, 0), _FURTHEST_PAGE) * limit,
    )

"""`/mr-api/application/{appId}/feature-history`."""

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from fh.db.port import Database
from fh.http.routing import AnyRoute, Request, Route
from fh.model.ids import ApplicationId, EnvironmentId, FeatureId
from fh.mr.access import Caller
from fh.mr.http.schemas.feature_history import FeatureHistoryList, history_body
from fh.mr.repositories.feature_history import HistoryPage
from fh.mr.services.feature_history import load_history
from fh.mr.settings import MrSettings

_USUAL_VERSIONS = 20
_MOST_VERSIONS = 100
_LAST_START = 2**31
_LARGEST_VERSION = 2**63 - 1


class FeatureHistoryOrder(StrEnum):
    """By the number of the version."""

    ASC = "asc"
    DESC = "desc"


class FeatureHistoryQuery(Struct, frozen=True, rename="camel"):
    """Which versions; `feature_ids` win over `feature_keys`."""

    feature_keys: tuple[str, ...] = ()
    feature_ids: tuple[FeatureId, ...] = ()
    versions: tuple[int, ...] = ()
    environment_ids: tuple[EnvironmentId, ...] = ()
    max: int = _USUAL_VERSIONS
    start_at: int = 0
    order: FeatureHistoryOrder = FeatureHistoryOrder.ASC


def routes(database: Database, settings: MrSettings) -> Sequence[AnyRoute]:  # noqa: ARG001 -- all tables are made alike
    """Return the route of the history."""

    async def load(request: Request[Caller, FeatureHistoryQuery, None]) -> FeatureHistoryList:
        application_id, page = ApplicationId(request.uuid("app_id")), _page(request.query)
        found = await database.transaction(
            lambda tx: load_history(tx, request.caller, application_id, page), read_only=True
        )
        return history_body(found)

    return [
        Route(
            "GET",
            "/mr-api/application/{app_id:uuid}/feature-history",
            "listFeatureHistory",
            load,
            tag="FeatureHistoryService",
            query=FeatureHistoryQuery,
            response=FeatureHistoryList,
        ),
    ]


def _page(query: FeatureHistoryQuery) -> HistoryPage:
    features = len(set(query.feature_ids)) or len(set(query.feature_keys))
    # Numbers of versions say something about one feature only.
    counts = features == 1 and bool(query.versions)
    return HistoryPage(
        environments=query.environment_ids,
        features=query.feature_ids,
        keys=query.feature_keys,
        versions=[one for one in query.versions if 0 < one <= _LARGEST_VERSION] if counts else None,
        descending=query.order is FeatureHistoryOrder.DESC,
        limit=min(max(query.max, 1), _MOST_VERSIONS),
        offset=min(max(query.start_at, 0), _LAST_START),
    )

"""`/mr-api/portfolio/{id}/application` and `/mr-api/application/{id}`."""

from collections.abc import Sequence

from msgspec import Struct

from fh.db.port import Database
from fh.http.routing import AnyRoute, Request, Route
from fh.model.ids import ApplicationId, PortfolioId
from fh.mr.access import Caller
from fh.mr.http.schemas.applications import (
    Application,
    ApplicationQuery,
    CreateApplication,
    application_body,
)
from fh.mr.http.schemas.sorting import SortOrder, sorted_by_name
from fh.mr.services.applications import (
    ApplicationParts,
    create_application,
    delete_application,
    find_applications,
    load_application,
)
from fh.mr.settings import MrSettings

_TAG = "ApplicationService"


class FindApplicationsQuery(Struct, frozen=True, rename="camel"):
    """Which applications, in which order, with which parts."""

    filter: str | None = None
    order: SortOrder | None = None
    include_environments: bool = False
    include_features: bool = False


def routes(database: Database, settings: MrSettings) -> Sequence[AnyRoute]:
    """Return the routes about applications."""

    async def find(request: Request[Caller, FindApplicationsQuery, None]) -> list[Application]:
        query, portfolio_id = request.query, PortfolioId(request.uuid("id"))
        parts = ApplicationParts(query.include_environments, query.include_features)
        found = await database.transaction(
            lambda tx: find_applications(tx, request.caller, portfolio_id, query.filter, parts),
            read_only=True,
        )
        return sorted_by_name(map(application_body, found), query.order)

    async def create(
        request: Request[Caller, ApplicationQuery, CreateApplication],
    ) -> Application:
        wanted, portfolio_id = request.body, PortfolioId(request.uuid("id"))
        created = await database.transaction(
            lambda tx: create_application(
                tx, request.caller, portfolio_id, wanted.name, wanted.description, settings
            )
        )
        return application_body(created, environments=request.query.include_environments)

    async def get(request: Request[Caller, ApplicationQuery, None]) -> Application:
        application_id = ApplicationId(request.uuid("app_id"))
        parts = ApplicationParts(request.query.include_environments)
        found = await database.transaction(
            lambda tx: load_application(tx, request.caller, application_id, parts), read_only=True
        )
        return application_body(found)

    async def delete(request: Request[Caller, None, None]) -> bool:
        application_id = ApplicationId(request.uuid("app_id"))
        await database.transaction(
            lambda tx: delete_application(tx, request.caller, application_id)
        )
        return True

    return [
        Route(
            "GET",
            "/mr-api/portfolio/{id:uuid}/application",
            "findApplications",
            find,
            tag=_TAG,
            query=FindApplicationsQuery,
            response=list[Application],
        ),
        Route(
            "POST",
            "/mr-api/portfolio/{id:uuid}/application",
            "createApplication",
            create,
            tag=_TAG,
            query=ApplicationQuery,
            body=CreateApplication,
            response=Application,
        ),
        Route(
            "GET",
            "/mr-api/application/{app_id:uuid}",
            "getApplication",
            get,
            tag=_TAG,
            query=ApplicationQuery,
            response=Application,
        ),
        Route(
            "DELETE",
            "/mr-api/application/{app_id:uuid}",
            "deleteApplication",
            delete,
            tag=_TAG,
            response=bool,
        ),
    ]

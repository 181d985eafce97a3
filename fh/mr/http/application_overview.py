"""`/mr-api/application/{id}/summary` and `/mr-api/application/{id}/permissions`."""

from collections.abc import Sequence

from fh.db.port import Database
from fh.http.routing import AnyRoute, Request, Route
from fh.model.ids import ApplicationId
from fh.mr.access import Caller
from fh.mr.http.schemas.applications import (
    ApplicationPermissions,
    ApplicationSummary,
    permissions_body,
    summary_body,
)
from fh.mr.services.application_overview import load_held, load_summary
from fh.mr.settings import MrSettings

_TAG = "ApplicationService"


def routes(database: Database, settings: MrSettings) -> Sequence[AnyRoute]:  # noqa: ARG001 -- all tables are made alike
    """Return the routes that show applications at a glance."""

    async def summary(request: Request[Caller, None, None]) -> ApplicationSummary:
        application_id = ApplicationId(request.uuid("app_id"))
        found = await database.transaction(
            lambda tx: load_summary(tx, request.caller, application_id), read_only=True
        )
        return summary_body(found)

    async def permissions(request: Request[Caller, None, None]) -> ApplicationPermissions:
        application_id = ApplicationId(request.uuid("id"))
        held = await database.transaction(
            lambda tx: load_held(tx, request.caller, application_id), read_only=True
        )
        return permissions_body(held)

    return [
        Route(
            "GET",
            "/mr-api/application/{app_id:uuid}/summary",
            "summaryApplication",
            summary,
            tag=_TAG,
            response=ApplicationSummary,
        ),
        Route(
            "GET",
            "/mr-api/application/{id:uuid}/permissions",
            "applicationPermissions",
            permissions,
            tag=_TAG,
            response=ApplicationPermissions,
        ),
    ]

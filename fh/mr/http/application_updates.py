"""PUT `/mr-api/portfolio/{id}/application` and, deprecated, `/mr-api/application/{appId}`."""

from collections.abc import Sequence

from fh.db.port import Database, Transaction
from fh.http.routing import AnyRoute, Request, Route
from fh.model.ids import ApplicationId, PortfolioId
from fh.mr.access import Caller
from fh.mr.errors import Invalid
from fh.mr.http.schemas.applications import (
    Application,
    ApplicationQuery,
    UpdateApplication,
    application_body,
)
from fh.mr.services.applications import (
    ApplicationChange,
    ApplicationDetails,
    update_application,
    with_environments,
)
from fh.mr.settings import MrSettings

_TAG = "ApplicationService"


def routes(database: Database, settings: MrSettings) -> Sequence[AnyRoute]:  # noqa: ARG001 -- all tables are made alike
    """Return the routes that change applications."""

    async def update(
        caller: Caller,
        application_id: ApplicationId,
        wanted: UpdateApplication,
        *,
        portfolio_id: PortfolioId | None,
        environments: bool,
    ) -> Application:
        change = ApplicationChange(wanted.name, wanted.description, wanted.version, portfolio_id)

        async def work(tx: Transaction) -> ApplicationDetails:
            updated = await update_application(tx, caller, application_id, change)
            if environments:
                return await with_environments(tx, updated)
            return ApplicationDetails(updated)

        return application_body(await database.transaction(work))

    async def update_in_portfolio(
        request: Request[Caller, ApplicationQuery, UpdateApplication],
    ) -> Application:
        return await update(
            request.caller,
            request.body.id,
            request.body,
            portfolio_id=PortfolioId(request.uuid("id")),
            environments=request.query.include_environments,
        )

    async def update_it(
        request: Request[Caller, ApplicationQuery, UpdateApplication],
    ) -> Application:
        application_id = ApplicationId(request.uuid("app_id"))
        if request.body.id != application_id:
            raise Invalid("id", "It is not the application in the path.")
        return await update(
            request.caller,
            application_id,
            request.body,
            portfolio_id=None,
            environments=request.query.include_environments,
        )

    return [
        Route(
            "PUT",
            "/mr-api/portfolio/{id:uuid}/application",
            "updateApplicationOnPortfolio",
            update_in_portfolio,
            tag=_TAG,
            query=ApplicationQuery,
            body=UpdateApplication,
            carries_much=True,
            response=Application,
        ),
        Route(
            "PUT",
            "/mr-api/application/{app_id:uuid}",
            "updateApplication",
            update_it,
            tag=_TAG,
            query=ApplicationQuery,
            body=UpdateApplication,
            carries_much=True,
            response=Application,
            deprecated=True,
        ),
    ]

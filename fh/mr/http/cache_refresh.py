"""`/mr-api/dacha1/cache`: what caches should know, announced again.

Upstream has it for Dacha1 alone; every cache of ours takes what is announced.
"""

from collections.abc import Sequence

from msgspec import Struct

from fh.db.port import Database
from fh.http.routing import AnyRoute, Request, Route
from fh.model.ids import ApplicationId, PortfolioId
from fh.mr.access import Caller
from fh.mr.services.cache_refresh import Wanted, refresh_caches
from fh.mr.settings import MrSettings


class CacheRefreshRequest(Struct, frozen=True, rename="camel"):
    """What to announce; `all_the_things` counts whichever it is."""

    all_the_things: bool | None = None
    application_id: tuple[ApplicationId, ...] | None = None
    portfolio_id: tuple[PortfolioId, ...] | None = None


class CacheRefreshResponse(Struct, frozen=True, rename="camel"):
    """How much was announced."""

    applications_refreshed: int
    portfolios_refreshed: int
    environments_refreshed: int
    service_accounts_refreshed: int


def routes(database: Database, settings: MrSettings) -> Sequence[AnyRoute]:  # noqa: ARG001 -- all tables are made alike
    """Return the route that refreshes caches."""

    async def refresh(request: Request[Caller, None, CacheRefreshRequest]) -> CacheRefreshResponse:
        sent = request.body
        wanted = Wanted(
            everything=sent.all_the_things is not None,
            portfolios=sent.portfolio_id or (),
            applications=sent.application_id or (),
        )
        refreshed = await refresh_caches(database, request.caller, wanted)
        return CacheRefreshResponse(
            applications_refreshed=len(refreshed.applications),
            portfolios_refreshed=len(refreshed.portfolios),
            environments_refreshed=len(refreshed.environments),
            service_accounts_refreshed=len(refreshed.accounts),
        )

    return [
        Route(
            "POST",
            "/mr-api/dacha1/cache",
            "cacheRefresh",
            refresh,
            tag="CacheService",
            body=CacheRefreshRequest,
            response=CacheRefreshResponse,
        ),
    ]

"""`/mr-api/portfolio`."""

from collections.abc import Sequence

from msgspec import Struct

from fh.db.port import Database
from fh.http.routing import AnyRoute, Request, Route
from fh.model.ids import PortfolioId
from fh.mr.access import Caller
from fh.mr.http.schemas.portfolios import CreatePortfolio, Portfolio, portfolio_body
from fh.mr.http.schemas.sorting import SortOrder, sorted_by_name
from fh.mr.services.portfolios import (
    PortfolioParts,
    create_portfolio,
    find_portfolios,
    load_portfolio,
)
from fh.mr.settings import MrSettings

_TAG = "PortfolioService"


class FindPortfoliosQuery(Struct, frozen=True, rename="camel"):
    """Which portfolios, in which order, with which parts."""

    filter: str | None = None
    order: SortOrder | None = None
    include_groups: bool = False
    include_applications: bool = False


class GetPortfolioQuery(Struct, frozen=True, rename="camel"):
    """Which parts of one portfolio to fill."""

    include_groups: bool = False
    include_applications: bool = False
    include_environments: bool = False


class CreatePortfolioQuery(Struct, frozen=True, rename="camel"):
    """Changes nothing: a new portfolio has its group and no applications."""

    include_groups: bool = False
    include_applications: bool = False


def routes(database: Database, settings: MrSettings) -> Sequence[AnyRoute]:
    """Return the routes about portfolios."""

    async def find(request: Request[Caller, FindPortfoliosQuery, None]) -> list[Portfolio]:
        query = request.query
        parts = PortfolioParts(query.include_groups, query.include_applications)
        found = await database.transaction(
            lambda tx: find_portfolios(tx, request.caller, query.filter, parts), read_only=True
        )
        return sorted_by_name(map(portfolio_body, found), query.order)

    async def create(request: Request[Caller, CreatePortfolioQuery, CreatePortfolio]) -> Portfolio:
        wanted = request.body
        created = await database.transaction(
            lambda tx: create_portfolio(
                tx, request.caller, wanted.name, wanted.description, settings
            )
        )
        return portfolio_body(created)

    async def get(request: Request[Caller, GetPortfolioQuery, None]) -> Portfolio:
        portfolio_id = PortfolioId(request.uuid("id"))
        query = request.query
        parts = PortfolioParts(
            query.include_groups, query.include_applications, query.include_environments
        )
        found = await database.transaction(
            lambda tx: load_portfolio(tx, request.caller, portfolio_id, parts), read_only=True
        )
        return portfolio_body(found)

    return [
        Route(
            "GET",
            "/mr-api/portfolio",
            "findPortfolios",
            find,
            tag=_TAG,
            query=FindPortfoliosQuery,
            response=list[Portfolio],
        ),
        Route(
            "POST",
            "/mr-api/portfolio",
            "createPortfolio",
            create,
            tag=_TAG,
            query=CreatePortfolioQuery,
            body=CreatePortfolio,
            response=Portfolio,
        ),
        Route(
            "GET",
            "/mr-api/portfolio/{id:uuid}",
            "getPortfolio",
            get,
            tag=_TAG,
            query=GetPortfolioQuery,
            response=Portfolio,
        ),
    ]

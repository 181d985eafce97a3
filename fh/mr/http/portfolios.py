"""`/mr-api/portfolio`."""

from collections.abc import Sequence

from msgspec import Struct

from fh.db.port import Database, Transaction
from fh.http.routing import AnyRoute, Request, Route
from fh.model.ids import PortfolioId
from fh.mr.access import Caller
from fh.mr.errors import Invalid
from fh.mr.http.schemas.portfolios import (
    ChangedPortfolio,
    CreatePortfolio,
    Portfolio,
    portfolio_body,
)
from fh.mr.http.schemas.sorting import SortOrder, sorted_by_name
from fh.mr.services.portfolio_changes import (
    PortfolioChange,
    delete_portfolio,
    update_portfolio,
)
from fh.mr.services.portfolios import (
    PortfolioDetails,
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
        parts = _parts(request.query)
        found = await database.transaction(
            lambda tx: load_portfolio(tx, request.caller, portfolio_id, parts), read_only=True
        )
        return portfolio_body(found)

    async def update(
        request: Request[Caller, GetPortfolioQuery, ChangedPortfolio], portfolio_id: PortfolioId
    ) -> Portfolio:
        sent = request.body
        change = PortfolioChange(portfolio_id, sent.name, sent.description, sent.version)

        async def work(tx: Transaction) -> PortfolioDetails:
            await update_portfolio(tx, request.caller, change, settings)
            return await load_portfolio(tx, request.caller, portfolio_id, _parts(request.query))

        return portfolio_body(await database.transaction(work))

    async def update_named(
        request: Request[Caller, GetPortfolioQuery, ChangedPortfolio],
    ) -> Portfolio:
        if request.body.id is None:
            raise Invalid("id", "The portfolio must be named.")
        return await update(request, request.body.id)

    async def update_by_id(
        request: Request[Caller, GetPortfolioQuery, ChangedPortfolio],
    ) -> Portfolio:
        return await update(request, PortfolioId(request.uuid("id")))

    async def delete(request: Request[Caller, None, None]) -> bool:
        portfolio_id = PortfolioId(request.uuid("id"))
        return await database.transaction(
            lambda tx: delete_portfolio(tx, request.caller, portfolio_id)
        )

    return [
        Route(
            "PUT",
            "/mr-api/portfolio",
            "updatePortfolioOnOrganisation",
            update_named,
            tag=_TAG,
            query=GetPortfolioQuery,
            body=ChangedPortfolio,
            carries_much=True,
            response=Portfolio,
        ),
        Route(
            "PUT",
            "/mr-api/portfolio/{id:uuid}",
            "updatePortfolio",
            update_by_id,
            tag=_TAG,
            query=GetPortfolioQuery,
            body=ChangedPortfolio,
            carries_much=True,
            response=Portfolio,
            deprecated=True,
        ),
        Route(
            "DELETE",
            "/mr-api/portfolio/{id:uuid}",
            "deletePortfolio",
            delete,
            tag=_TAG,
            response=bool,
        ),
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


def _parts(query: GetPortfolioQuery) -> PortfolioParts:
    return PortfolioParts(
        query.include_groups, query.include_applications, query.include_environments
    )

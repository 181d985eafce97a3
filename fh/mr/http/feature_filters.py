"""`/mr-api/portfolio/{id}/feature-filter`."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from fh.db.port import Database
from fh.errors import FeatureHubError
from fh.http.routing import AnyRoute, Request, Route
from fh.model.ids import FeatureFilterId, PortfolioId
from fh.mr.access import Caller
from fh.mr.errors import NotFound, VersionConflict
from fh.mr.http.schemas.feature_filters import (
    CreateFeatureFilter,
    FeatureFilter,
    FeatureFilterContent,
    MatchingFilterResults,
    MatchType,
    SearchFeatureFilterResult,
    accounts_body,
    applications_body,
    filter_body,
    filter_change,
    search_body,
)
from fh.mr.http.schemas.sorting import SortOrder, page_offset, page_size
from fh.mr.repositories.feature_filters import FilterPage
from fh.mr.services.feature_filters import (
    create_filter,
    delete_filter,
    find_filters,
    load_filter,
    match_accounts,
    match_applications,
    update_filter,
)
from fh.mr.settings import MrSettings

_TAG = "FeatureFilterService"

_WRITING: Final[Mapping[type[FeatureHubError], int]] = {VersionConflict: 409}

USUAL_PAGE: Final = 20


class FindQuery(Struct, frozen=True, rename="camel"):
    """Which filters, and whether with those who carry them."""

    filter: str | None = None
    max: int = USUAL_PAGE
    page: int = 0
    sort_order: SortOrder = SortOrder.ASC
    include_details: bool = False


class DeleteQuery(Struct, frozen=True):
    """The version that is to be deleted."""

    version: int


class MatchQuery(Struct, frozen=True):
    """The filters that somebody looks for; clients leave an empty list out."""

    filters: tuple[FeatureFilterId, ...] = ()


def routes(database: Database, settings: MrSettings) -> Sequence[AnyRoute]:  # noqa: ARG001 -- all tables are made alike
    """Return the routes about feature filters."""

    async def find(request: Request[Caller, FindQuery, None]) -> SearchFeatureFilterResult:
        query, portfolio_id = request.query, PortfolioId(request.uuid("id"))
        size = page_size(query.max)
        page = FilterPage(
            name_part=query.filter,
            descending=query.sort_order is SortOrder.DESC,
            size=size,
            offset=page_offset(query.page, size),
        )
        details = query.include_details
        found = await database.transaction(
            lambda tx: find_filters(tx, request.caller, portfolio_id, page, details=details),
            read_only=True,
        )
        return search_body(found, max(query.page, 0), size, details=details)

    async def create(request: Request[Caller, None, CreateFeatureFilter]) -> FeatureFilter:
        wanted, portfolio_id = request.body, PortfolioId(request.uuid("id"))
        created = await database.transaction(
            lambda tx: create_filter(
                tx, request.caller, portfolio_id, wanted.name, wanted.description
            )
        )
        return filter_body(created)

    async def update(request: Request[Caller, None, FeatureFilterContent]) -> FeatureFilter:
        change, portfolio_id = filter_change(request.body), PortfolioId(request.uuid("id"))
        saved = await database.transaction(
            lambda tx: update_filter(tx, request.caller, portfolio_id, change)
        )
        return filter_body(saved)

    async def get(request: Request[Caller, None, None]) -> FeatureFilter:
        portfolio_id = PortfolioId(request.uuid("id"))
        filter_id = FeatureFilterId(request.uuid("filter_id"))
        found = await database.transaction(
            lambda tx: load_filter(tx, request.caller, portfolio_id, filter_id), read_only=True
        )
        return filter_body(found)

    async def delete(request: Request[Caller, DeleteQuery, None]) -> FeatureFilter:
        portfolio_id, version = PortfolioId(request.uuid("id")), request.query.version
        filter_id = FeatureFilterId(request.uuid("filter_id"))
        deleted = await database.transaction(
            lambda tx: delete_filter(tx, request.caller, portfolio_id, filter_id, version)
        )
        return filter_body(deleted)

    async def match(request: Request[Caller, MatchQuery, None]) -> MatchingFilterResults:
        portfolio_id, wanted = PortfolioId(request.uuid("id")), request.query.filters
        match request.text("match_type"):
            case MatchType.APPLICATIONS:
                return applications_body(
                    *await database.transaction(
                        lambda tx: match_applications(tx, request.caller, portfolio_id, wanted),
                        read_only=True,
                    )
                )
            case MatchType.ACCOUNTS:
                return accounts_body(
                    *await database.transaction(
                        lambda tx: match_accounts(tx, request.caller, portfolio_id, wanted),
                        read_only=True,
                    )
                )
            case _:
                raise NotFound("kind of match")

    path = "/mr-api/portfolio/{id:uuid}/feature-filter"
    one_path = f"{path}/{{filter_id:uuid}}"
    return [
        Route(
            "GET",
            path,
            "findFeatureFilters",
            find,
            tag=_TAG,
            query=FindQuery,
            response=SearchFeatureFilterResult,
        ),
        Route(
            "POST",
            path,
            "createFeatureFilter",
            create,
            tag=_TAG,
            body=CreateFeatureFilter,
            response=FeatureFilter,
            status=201,
        ),
        Route(
            "PUT",
            path,
            "updateFeatureFilter",
            update,
            tag=_TAG,
            body=FeatureFilterContent,
            response=FeatureFilter,
            refusals=_WRITING,
        ),
        Route("GET", one_path, "getFeatureFilter", get, tag=_TAG, response=FeatureFilter),
        Route(
            "DELETE",
            one_path,
            "deleteFeatureFilter",
            delete,
            tag=_TAG,
            query=DeleteQuery,
            response=FeatureFilter,
            refusals=_WRITING,
        ),
        Route(
            "GET",
            f"{path}/matching/{{match_type}}",
            "getMatchingFilters",
            match,
            tag=_TAG,
            query=MatchQuery,
            response=MatchingFilterResults,
        ),
    ]

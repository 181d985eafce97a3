"""`/mr-api/portfolio/{id}/service-account` and `/mr-api/service-account/{id}`."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from fh.db.port import Database
from fh.errors import FeatureHubError
from fh.http.routing import AnyRoute, Request, Route
from fh.model.ids import ApplicationId, PortfolioId, ServiceAccountId
from fh.mr.access import Caller
from fh.mr.errors import DuplicateItems, Invalid
from fh.mr.http.schemas.service_accounts import (
    CreateServiceAccount,
    ServiceAccount,
    account_body,
    grants_of,
    new_account,
)
from fh.mr.service_account import AccountChange, KeyKind
from fh.mr.services.service_accounts import (
    create_account,
    delete_account,
    load_account,
    reset_keys,
    search_accounts,
    update_account,
)
from fh.mr.settings import MrSettings

_TAG = "ServiceAccountService"

_WRITING: Final[Mapping[type[FeatureHubError], int]] = {DuplicateItems: 400}


class SearchQuery(Struct, frozen=True, rename="camel"):
    """Which accounts, with which parts."""

    filter: str | None = None
    application_id: ApplicationId | None = None
    include_permissions: bool = False
    include_sdk_urls: bool = False


class AccountQuery(Struct, frozen=True, rename="camel"):
    """Which parts of one account to fill, and of which application."""

    include_permissions: bool = False
    include_filters: bool = False
    by_application_id: ApplicationId | None = None


class UpdateQuery(Struct, frozen=True, rename="camel"):
    """Which parts to fill, and to which application the permissions sent are limited."""

    include_permissions: bool = False
    app_id: ApplicationId | None = None


class ResetQuery(Struct, frozen=True, rename="camel"):
    """Which secret to reset; both when nothing is said."""

    api_key_type: KeyKind | None = None


def routes(database: Database, settings: MrSettings) -> Sequence[AnyRoute]:  # noqa: ARG001 -- all tables are made alike
    """Return the routes about service accounts."""

    async def search(request: Request[Caller, SearchQuery, None]) -> list[ServiceAccount]:
        query, portfolio_id = request.query, PortfolioId(request.uuid("id"))
        found = await database.transaction(
            lambda tx: search_accounts(
                tx, request.caller, portfolio_id, query.filter, query.application_id
            ),
            read_only=True,
        )
        # SDK URLs stand in permissions, so who asks for them gets those, too.
        permissions = query.include_permissions or query.include_sdk_urls
        return [
            account_body(
                one, permissions=permissions, secrets=False, sdk_urls=query.include_sdk_urls
            )
            for one in found
        ]

    async def create(
        request: Request[Caller, AccountQuery, CreateServiceAccount],
    ) -> ServiceAccount:
        new, portfolio_id = new_account(request.body), PortfolioId(request.uuid("id"))
        created = await database.transaction(
            lambda tx: create_account(tx, request.caller, portfolio_id, new)
        )
        return account_body(
            created,
            permissions=request.query.include_permissions,
            secrets=True,
            sdk_urls=request.query.include_permissions,
            filters=True,
        )

    async def update(request: Request[Caller, UpdateQuery, ServiceAccount]) -> ServiceAccount:
        portfolio_id = PortfolioId(request.uuid("id"))
        return await save(request, portfolio_id, _change(request.body, request.query.app_id))

    async def update_by_id(
        request: Request[Caller, UpdateQuery, ServiceAccount],
    ) -> ServiceAccount:
        if request.body.portfolio_id is None:
            raise Invalid("portfolioId", "The account's portfolio must be named.")
        if request.body.id != request.uuid("id"):
            raise Invalid("id", "The account in the path is another one.")
        # Whoever administers the account's real portfolio may; what the body says is not asked.
        return await save(request, None, _change(request.body, request.query.app_id))

    async def save(
        request: Request[Caller, UpdateQuery, ServiceAccount],
        portfolio_id: PortfolioId | None,
        change: AccountChange,
    ) -> ServiceAccount:
        saved = await database.transaction(
            lambda tx: update_account(tx, request.caller, portfolio_id, change)
        )
        return account_body(
            saved, permissions=request.query.include_permissions, secrets=True, filters=True
        )

    async def get(request: Request[Caller, AccountQuery, None]) -> ServiceAccount:
        query, account_id = request.query, ServiceAccountId(request.uuid("id"))
        found = await database.transaction(
            lambda tx: load_account(tx, request.caller, account_id, query.by_application_id),
            read_only=True,
        )
        return account_body(
            found,
            permissions=query.include_permissions,
            secrets=True,
            filters=query.include_filters,
        )

    async def delete(request: Request[Caller, None, None]) -> bool:
        account_id = ServiceAccountId(request.uuid("id"))
        await database.transaction(lambda tx: delete_account(tx, request.caller, account_id))
        return True

    async def reset(request: Request[Caller, ResetQuery, None]) -> ServiceAccount:
        account_id, kind = ServiceAccountId(request.uuid("id")), request.query.api_key_type
        account = await database.transaction(
            lambda tx: reset_keys(tx, request.caller, account_id, kind)
        )
        return account_body(account, permissions=False, secrets=True)

    portfolio_path = "/mr-api/portfolio/{id:uuid}/service-account"
    account_path = "/mr-api/service-account/{id:uuid}"
    return [
        Route(
            "GET",
            portfolio_path,
            "searchServiceAccountsInPortfolio",
            search,
            tag=_TAG,
            query=SearchQuery,
            response=list[ServiceAccount],
        ),
        Route(
            "POST",
            portfolio_path,
            "createServiceAccountInPortfolio",
            create,
            tag=_TAG,
            query=AccountQuery,
            body=CreateServiceAccount,
            carries_much=True,
            response=ServiceAccount,
            refusals=_WRITING,
        ),
        Route(
            "PUT",
            portfolio_path,
            "updateServiceAccountOnPortfolio",
            update,
            tag=_TAG,
            query=UpdateQuery,
            body=ServiceAccount,
            carries_much=True,
            response=ServiceAccount,
            refusals=_WRITING,
        ),
        Route(
            "GET",
            account_path,
            "getServiceAccount",
            get,
            tag=_TAG,
            query=AccountQuery,
            response=ServiceAccount,
        ),
        Route(
            "PUT",
            account_path,
            "updateServiceAccount",
            update_by_id,
            tag=_TAG,
            query=UpdateQuery,
            body=ServiceAccount,
            carries_much=True,
            response=ServiceAccount,
            refusals=_WRITING,
            deprecated=True,
        ),
        Route("DELETE", account_path, "deleteServiceAccount", delete, tag=_TAG, response=bool),
        Route(
            "POST",
            f"{account_path}/reset-api-key",
            "resetApiKey",
            reset,
            tag=_TAG,
            query=ResetQuery,
            response=ServiceAccount,
        ),
    ]


def _change(body: ServiceAccount, application_id: ApplicationId | None) -> AccountChange:
    return AccountChange(
        account_id=body.id,
        name=body.name,
        description=body.description,
        version=body.version,
        grants=None if body.perms_invalid else grants_of(body.permissions),
        filters=body.feature_filters,
        application_id=application_id,
    )

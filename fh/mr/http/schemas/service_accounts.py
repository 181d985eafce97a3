"""Service accounts on the wire."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct, field

from fh.model.ids import EnvironmentId, FeatureFilterId, PortfolioId, ServiceAccountId
from fh.model.roles import Role
from fh.mr.access import with_implied_read
from fh.mr.api_keys import sdk_url
from fh.mr.repositories import service_accounts as rows
from fh.mr.service_account import AccountDetails, Grant, NewAccount
from fh.mr.services.environments import GrantedAccount

Name = Annotated[str, Meta(min_length=1, max_length=70)]
Description = Annotated[str, Meta(max_length=400)]


def _none() -> tuple[()]:
    # A factory, not a default: omit_defaults would leave an empty array out.
    return ()


class ServiceAccountPermission(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """What an account may do in one environment, and the keys for it where they may be shown."""

    environment_id: EnvironmentId
    permissions: tuple[Role, ...] | None = field(default_factory=_none)
    id: UUID | None = None
    service_account: "ServiceAccount | None" = None
    sdk_url_client_eval: str | None = None
    sdk_url_server_eval: str | None = None


class ServiceAccount(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A service account; also what clients change it with.

    `perms_invalid` says that `permissions` is empty only because nobody asked for it.
    """

    id: ServiceAccountId
    name: Name
    portfolio_id: PortfolioId | None = None
    description: Description | None = None
    version: int | None = None
    api_key_client_side: str | None = None
    api_key_server_side: str | None = None
    feature_filters: tuple[FeatureFilterId, ...] | None = None
    perms_invalid: bool | None = None
    permissions: tuple[ServiceAccountPermission, ...] | None = field(default_factory=_none)

    def __repr__(self) -> str:
        return f"ServiceAccount({self.id}, version={self.version})"


class CreateServiceAccount(Struct, frozen=True, rename="camel"):
    """An account to be."""

    name: Name
    description: Description | None = None
    feature_filter: tuple[FeatureFilterId, ...] | None = None
    permissions: tuple[ServiceAccountPermission, ...] | None = ()


def account_body(
    details: AccountDetails,
    *,
    permissions: bool,
    secrets: bool,
    sdk_urls: bool = False,
    filters: bool = False,
) -> ServiceAccount:
    """Return an account with as much as may be shown."""
    account = details.account
    listed = details.permissions if permissions else None
    return ServiceAccount(
        id=account.id,
        name=account.name,
        portfolio_id=account.portfolio_id,
        description=account.description,
        version=account.version,
        api_key_client_side=account.client_secret if secrets else None,
        api_key_server_side=account.server_secret if secrets else None,
        feature_filters=tuple(details.filters) if filters else None,
        perms_invalid=True if listed is None else None,
        permissions=tuple(
            _permission(
                account,
                one,
                shows_urls=sdk_urls and one.environment_id in details.open_environments,
            )
            for one in listed or ()
        ),
    )


def account_outline(account: rows.ServiceAccount) -> ServiceAccount:
    """Return an account without permissions and secrets."""
    return account_body(AccountDetails(account), permissions=False, secrets=False)


def granted_body(granted: GrantedAccount, *, sdk_urls: bool) -> ServiceAccountPermission:
    """Return what an account may do in an environment, together with the account."""
    account = granted.account
    shows_keys = sdk_urls and granted.shows_keys
    nested = account_body(AccountDetails(account), permissions=False, secrets=shows_keys)
    return _permission(account, granted.permission, shows_urls=shows_keys, nested=nested)


def new_account(body: CreateServiceAccount) -> NewAccount:
    """Return what a client wants a new account to be."""
    return NewAccount(
        name=body.name,
        description=body.description or "",
        grants=grants_of(body.permissions),
        filters=body.feature_filter or (),
    )


def grants_of(permissions: Sequence[ServiceAccountPermission] | None) -> list[Grant]:
    """Return the role lists that a client sent."""
    return [
        Grant(one.environment_id, frozenset(one.permissions or ())) for one in permissions or ()
    ]


def _permission(
    account: rows.ServiceAccount,
    permission: rows.Permission,
    *,
    shows_urls: bool,
    nested: ServiceAccount | None = None,
) -> ServiceAccountPermission:
    environment_id = permission.environment_id
    held = with_implied_read(permission.roles)
    return ServiceAccountPermission(
        environment_id=environment_id,
        permissions=tuple(role for role in Role if role in held),
        id=permission.id,
        service_account=nested,
        sdk_url_client_eval=sdk_url(environment_id, account.client_secret) if shows_urls else None,
        sdk_url_server_eval=sdk_url(environment_id, account.server_secret) if shows_urls else None,
    )

"""Service accounts: what SDKs log in with, and where they may."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from operator import attrgetter

from fh.db.port import Transaction
from fh.grouping import grouped
from fh.model.ids import (
    ApplicationId,
    EnvironmentId,
    FeatureFilterId,
    PortfolioId,
    ServiceAccountId,
)
from fh.model.roles import Role
from fh.mr.access import (
    Caller,
    administers,
    is_member,
    may_see_sdk_url,
    with_implied_read,
)
from fh.mr.api_keys import new_client_secret, new_server_secret
from fh.mr.errors import DuplicateItems, Forbidden, Invalid, NotFound
from fh.mr.outbox import announce
from fh.mr.repositories import service_accounts as repository
from fh.mr.repositories.access import find_environment_roles
from fh.mr.repositories.applications import portfolio_is_live
from fh.mr.repositories.environments import bump_each_environment
from fh.mr.repositories.feature_filters import hold_filters
from fh.mr.repositories.filter_labels import find_account_filters, set_account_filters
from fh.mr.repositories.published_accounts import load_deleted_accounts, load_published_account
from fh.mr.repositories.publishing import load_published_environments
from fh.mr.repositories.service_accounts import Permission, ServiceAccount
from fh.mr.service_account import AccountChange, AccountDetails, Grant, KeyKind, NewAccount
from fh.mr.versions import check_version


async def search_accounts(
    tx: Transaction,
    caller: Caller,
    portfolio_id: PortfolioId,
    pattern: str | None,
    application_id: ApplicationId | None,
) -> Sequence[AccountDetails]:
    """Return a portfolio's accounts by name, with all their permissions; none to strangers."""
    if not is_member(caller, portfolio_id):
        return []
    accounts = await repository.search_accounts(tx, portfolio_id, pattern)
    ids = [account.id for account in accounts]
    permissions = await repository.find_permissions(tx, ids, application_id)
    held: Mapping[EnvironmentId, frozenset[Role]] = {}
    if not administers(caller, portfolio_id):
        applications = {one.application_id for one in permissions}
        held = await find_environment_roles(tx, caller, applications)
    permissions_of = grouped(permissions, attrgetter("account_id"))
    return [
        _details(caller, account, permissions_of.get(account.id, ()), held) for account in accounts
    ]


async def load_account(
    tx: Transaction,
    caller: Caller,
    account_id: ServiceAccountId,
    application_id: ApplicationId | None,
) -> AccountDetails:
    """Return one account with its permissions, of one application or of all.

    Raises:
        NotFound: there is none such.
        Forbidden: the caller does not administer its portfolio.
    """
    account = await repository.find_account(tx, account_id)
    if account is None:
        raise NotFound("service account")
    if not administers(caller, account.portfolio_id):
        raise Forbidden
    return await _loaded(tx, caller, account, application_id)


async def create_account(
    tx: Transaction,
    caller: Caller,
    portfolio_id: PortfolioId,
    new: NewAccount,
) -> AccountDetails:
    """Create an account with two new secrets; what is of other portfolios is ignored.

    Raises:
        Forbidden: the caller does not administer the portfolio.
        NotFound: there is no such portfolio.
        AlreadyExists: the portfolio has an account of that name.
        DuplicateItems: an environment is named twice.
        Invalid: the name is blank, or none of its filters is the portfolio's.
    """
    if not administers(caller, portfolio_id):
        raise Forbidden
    name = _checked(new.name)
    _check_grants(new.grants)
    if not await portfolio_is_live(tx, portfolio_id):
        raise NotFound("portfolio")
    secrets = (new_server_secret(), new_client_secret())
    account_id = await repository.insert_account(
        tx, portfolio_id, name, new.description, secrets, caller.person_id
    )
    held = await hold_filters(tx, new.filters)
    filters = _usable(new.filters, held, portfolio_id, "featureFilter")
    await set_account_filters(tx, account_id, filters)
    wanted = {grant.environment_id: grant.roles for grant in new.grants if grant.roles}
    known = await repository.find_environments_of_portfolio(tx, portfolio_id, wanted)
    granted = {one: roles for one, roles in wanted.items() if one in known}
    await bump_each_environment(tx, granted)
    await repository.save_permissions(tx, account_id, granted, ())
    return await _announced(tx, caller, account_id, granted)


async def update_account(
    tx: Transaction, caller: Caller, portfolio_id: PortfolioId | None, change: AccountChange
) -> AccountDetails:
    """Change an account; any change gives it its next version, of permissions and filters, too.

    A `portfolio_id` of None takes the account in whichever portfolio it is.

    Raises:
        Forbidden: the caller does not administer its portfolio.
        NotFound: there is none such in the portfolio.
        VersionConflict: somebody changed it, or the version is missing.
        AlreadyExists: another account of the portfolio has that name.
        DuplicateItems: an environment is named twice.
        Invalid: the name is blank, or none of its filters is the portfolio's.
    """
    name = _checked(change.name)
    _check_grants(change.grants or ())
    held = await hold_filters(tx, change.filters or ())
    account = await repository.lock_account(tx, change.account_id)
    if account is None or portfolio_id not in (None, account.portfolio_id):
        may_know = portfolio_id is None or administers(caller, portfolio_id)
        raise NotFound("service account") if may_know else Forbidden
    if not administers(caller, account.portfolio_id):
        raise Forbidden
    check_version("service account", change.version, account.version)
    touched = await _grant(tx, account, change)
    description = account.description if change.description is None else change.description
    wanted = replace(account, name=name, description=description)
    labelled = False
    if change.filters is not None:
        usable = _usable(change.filters, held, account.portfolio_id, "featureFilters")
        labelled = await _label(tx, account, usable)
    if wanted != account or touched or labelled:
        await repository.save_account(tx, wanted, caller.person_id)
    return await _announced(tx, caller, account.id, touched, change.application_id)


async def delete_account(tx: Transaction, caller: Caller, account_id: ServiceAccountId) -> None:
    """Archive an account; its keys stop working.

    Raises:
        NotFound: there is none such.
        Forbidden: the caller does not administer its portfolio.
    """
    account = await _locked(tx, caller, account_id)
    await repository.archive_account(tx, account, datetime.now(UTC), caller.person_id)
    await announce(tx, *await load_deleted_accounts(tx, [account_id]))


async def reset_keys(
    tx: Transaction, caller: Caller, account_id: ServiceAccountId, kind: KeyKind | None
) -> AccountDetails:
    """Give an account new secrets, both unless one kind is named; the old ones stop working.

    Raises:
        NotFound: there is none such.
        Forbidden: the caller does not administer its portfolio.
    """
    account = await _locked(tx, caller, account_id)
    if kind is not KeyKind.CLIENT:
        account = replace(account, server_secret=new_server_secret())
    if kind is not KeyKind.SERVER:
        account = replace(account, client_secret=new_client_secret())
    await repository.save_account(tx, account, caller.person_id)
    return await _announced(tx, caller, account_id, ())


async def _locked(tx: Transaction, caller: Caller, account_id: ServiceAccountId) -> ServiceAccount:
    account = await repository.lock_account(tx, account_id)
    if account is None:
        raise NotFound("service account")
    if not administers(caller, account.portfolio_id):
        raise Forbidden
    return account


async def _grant(
    tx: Transaction, account: ServiceAccount, change: AccountChange
) -> Sequence[EnvironmentId]:
    """Write the permissions; return the environments where they are different now.

    Those get their next version first, in the order of all who lock several.
    """
    if change.grants is None:
        return ()
    scope = change.application_id
    wanted = {grant.environment_id: grant.roles for grant in change.grants}
    known = await repository.find_environments_of_portfolio(tx, account.portfolio_id, wanted)
    wanted = {
        one: roles
        for one, roles in wanted.items()
        if roles and one in known and scope in (None, known[one])
    }
    current = {
        permission.environment_id: permission.roles
        for permission in await repository.find_permissions(tx, [account.id], scope)
    }
    granted = {one: roles for one, roles in wanted.items() if current.get(one) != roles}
    removed = [one for one in current if one not in wanted]
    touched = [*granted, *removed]
    await bump_each_environment(tx, touched)
    await repository.save_permissions(tx, account.id, granted, removed)
    return touched


async def _label(tx: Transaction, account: ServiceAccount, wanted: list[FeatureFilterId]) -> bool:
    """Have an account carry these filters; return whether that is new."""
    if wanted == sorted(await find_account_filters(tx, account.id)):
        return False
    await set_account_filters(tx, account.id, wanted)
    return True


def _usable(
    sent: Sequence[FeatureFilterId],
    held: Mapping[FeatureFilterId, PortfolioId],
    portfolio_id: PortfolioId,
    field: str,
) -> list[FeatureFilterId]:
    """Return those of the filters sent that are the portfolio's.

    Raises:
        Invalid: some were sent and none is.
    """
    usable = sorted(one for one, portfolio in held.items() if portfolio == portfolio_id)
    if sent and not usable:
        reason = (
            "The portfolio has none of these filters, and without any the account would see all."
        )
        raise Invalid(field, reason)
    return usable


async def _announced(
    tx: Transaction,
    caller: Caller,
    account_id: ServiceAccountId,
    touched: Iterable[EnvironmentId],
    application_id: ApplicationId | None = None,
) -> AccountDetails:
    """Announce an account and the environments it touched; return it as it is now."""
    account = await repository.find_account(tx, account_id)
    assert account is not None, "it was just written"
    details = await _loaded(tx, caller, account, application_id)
    published = await load_published_account(tx, account_id)
    await announce(tx, published, *await load_published_environments(tx, touched))
    return details


async def _loaded(
    tx: Transaction,
    caller: Caller,
    account: ServiceAccount,
    application_id: ApplicationId | None,
) -> AccountDetails:
    """Return an account with permissions and filters, for somebody who administers it."""
    permissions = await repository.find_permissions(tx, [account.id], application_id)
    filters = await find_account_filters(tx, account.id)
    return replace(_details(caller, account, permissions, {}), filters=filters)


def _details(
    caller: Caller,
    account: ServiceAccount,
    permissions: Sequence[Permission],
    held: Mapping[EnvironmentId, frozenset[Role]],
) -> AccountDetails:
    visible = frozenset(
        one.environment_id
        for one in permissions
        if may_see_sdk_url(
            caller,
            account.portfolio_id,
            held.get(one.environment_id, frozenset()),
            with_implied_read(one.roles),
        )
    )
    return AccountDetails(account, permissions, visible)


def _checked(name: str) -> str:
    if not (checked := name.strip()):
        raise Invalid("name", "A service account needs a name.")
    return checked


def _check_grants(grants: Sequence[Grant]) -> None:
    if len({grant.environment_id for grant in grants}) < len(grants):
        raise DuplicateItems("permissions")

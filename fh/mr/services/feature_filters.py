"""Feature filters: a portfolio's labels, which decide what features an account receives."""

from collections.abc import Sequence
from dataclasses import dataclass

from fh.db.port import Transaction
from fh.model.ids import ApplicationId, FeatureFilterId, PortfolioId
from fh.mr.access import (
    Caller,
    PortfolioRights,
    administers,
    may_read_filters,
    may_write_filters,
)
from fh.mr.errors import Forbidden, InUse, Invalid, NotFound
from fh.mr.outbox import announce
from fh.mr.repositories import feature_filters as repository
from fh.mr.repositories.access import find_portfolio_rights
from fh.mr.repositories.feature_filters import (
    FeatureFilter,
    FilterPage,
    LabelledAccount,
    LabelledFeature,
)
from fh.mr.repositories.filter_removal import (
    find_confined,
    lock_carriers,
    relieve_accounts,
    relieve_features,
)
from fh.mr.repositories.published_accounts import load_published_accounts
from fh.mr.repositories.publishing import load_features_everywhere
from fh.mr.versions import check_version


@dataclass(frozen=True, slots=True)
class ListedFilters:
    """One page of a portfolio's filters, of `total` that match; who carries them on demand."""

    total: int
    filters: Sequence[FeatureFilter]
    features: Sequence[LabelledFeature] = ()
    accounts: Sequence[LabelledAccount] = ()


@dataclass(frozen=True, slots=True)
class FilterChange:
    """What a client wants a filter to be; no description leaves the one there is."""

    filter_id: FeatureFilterId
    name: str
    description: str | None
    version: int


async def find_filters(
    tx: Transaction, caller: Caller, portfolio_id: PortfolioId, page: FilterPage, *, details: bool
) -> ListedFilters:
    """Return filters by name; with `details` what carries them, as far as the caller may see it.

    Raises:
        NotFound: there is no such portfolio.
        Forbidden: the caller may not see its filters.
    """
    rights = await _readable(tx, caller, portfolio_id)
    total, filters = await repository.find_filters(tx, portfolio_id, page)
    if not details:
        return ListedFilters(total, filters)
    ids = [one.id for one in filters]
    return ListedFilters(
        total,
        filters,
        await repository.find_labelled_features(tx, ids, _visible(caller, rights)),
        await repository.find_labelled_accounts(tx, ids),
    )


async def load_filter(
    tx: Transaction, caller: Caller, portfolio_id: PortfolioId, filter_id: FeatureFilterId
) -> FeatureFilter:
    """Return one filter.

    Raises:
        NotFound: there is no such portfolio or filter.
        Forbidden: the caller may not see the portfolio's filters.
    """
    await _readable(tx, caller, portfolio_id)
    return _there(await repository.find_filter(tx, portfolio_id, filter_id))


async def create_filter(
    tx: Transaction, caller: Caller, portfolio_id: PortfolioId, name: str, description: str | None
) -> FeatureFilter:
    """Create a filter.

    Raises:
        NotFound: there is no such portfolio.
        Forbidden: the caller may not write its filters.
        AlreadyExists: the portfolio has a filter of that name.
        Invalid: the name is blank.
    """
    await _writable(tx, caller, portfolio_id)
    created = await repository.insert_filter(
        tx, portfolio_id, _checked(name), description, caller.person_id
    )
    return _there(await repository.find_filter(tx, portfolio_id, created))


async def update_filter(
    tx: Transaction, caller: Caller, portfolio_id: PortfolioId, change: FilterChange
) -> FeatureFilter:
    """Rename or describe a filter; SDKs see nothing of that.

    Raises:
        NotFound: there is no such portfolio or filter.
        Forbidden: the caller may not write its filters.
        VersionConflict: somebody changed it.
        AlreadyExists: another filter of the portfolio has that name.
        Invalid: the name is blank.
    """
    await _writable(tx, caller, portfolio_id)
    current = _there(await repository.lock_filter(tx, portfolio_id, change.filter_id))
    check_version("feature filter", change.version, current.version)
    name = _checked(change.name)
    description = current.description if change.description is None else change.description
    if (name, description) == (current.name, current.description):
        return current
    await repository.save_filter(tx, current.id, name, description)
    return _there(await repository.find_filter(tx, portfolio_id, current.id))


async def delete_filter(
    tx: Transaction,
    caller: Caller,
    portfolio_id: PortfolioId,
    filter_id: FeatureFilterId,
    version: int,
) -> FeatureFilter:
    """Take a filter from all that carry it, announce them, and delete it; return what it was.

    Raises:
        NotFound: there is no such portfolio or filter.
        Forbidden: the caller may not write its filters.
        VersionConflict: somebody changed it.
        InUse: an account that nothing else confines would see all features from now on.
    """
    await _writable(tx, caller, portfolio_id)
    current = _there(await repository.lock_filter(tx, portfolio_id, filter_id))
    check_version("feature filter", version, current.version)
    accounts = await lock_carriers(tx, filter_id)
    if (confined := await find_confined(tx, accounts)) is not None:
        raise InUse(
            "feature filter", f"The service account {confined} has no other, and would see all."
        )
    features = await relieve_features(tx, filter_id)
    await relieve_accounts(tx, filter_id, accounts, caller.person_id)
    await repository.remove_filter(tx, filter_id)
    await announce(
        tx,
        *await load_features_everywhere(tx, features),
        *await load_published_accounts(tx, accounts),
    )
    return current


async def match_applications(
    tx: Transaction,
    caller: Caller,
    portfolio_id: PortfolioId,
    filter_ids: Sequence[FeatureFilterId],
) -> tuple[Sequence[FeatureFilter], Sequence[LabelledFeature]]:
    """Return those of the filters that the portfolio has, and the features that carry any.

    Only those in applications whose features the caller may read.

    Raises:
        NotFound: there is no such portfolio.
        Forbidden: the caller may not see its filters.
    """
    rights = await _readable(tx, caller, portfolio_id)
    filters = await repository.find_some_filters(tx, portfolio_id, filter_ids)
    ids = [one.id for one in filters]
    visible = _visible(caller, rights)
    return filters, await repository.find_labelled_features(tx, ids, visible)


async def match_accounts(
    tx: Transaction,
    caller: Caller,
    portfolio_id: PortfolioId,
    filter_ids: Sequence[FeatureFilterId],
) -> tuple[Sequence[FeatureFilter], Sequence[LabelledAccount]]:
    """Return those of the filters that the portfolio has, and the accounts that carry any.

    Raises:
        NotFound: there is no such portfolio.
        Forbidden: the caller does not administer it.
    """
    rights = await _rights(tx, caller, portfolio_id)
    if not administers(caller, rights.portfolio_id):
        raise Forbidden
    filters = await repository.find_some_filters(tx, portfolio_id, filter_ids)
    return filters, await repository.find_labelled_accounts(tx, [one.id for one in filters])


async def _rights(tx: Transaction, caller: Caller, portfolio_id: PortfolioId) -> PortfolioRights:
    rights = await find_portfolio_rights(tx, caller, portfolio_id)
    if rights is None:
        raise NotFound("portfolio") if caller.superuser else Forbidden
    return rights


async def _readable(tx: Transaction, caller: Caller, portfolio_id: PortfolioId) -> PortfolioRights:
    rights = await _rights(tx, caller, portfolio_id)
    if not may_read_filters(caller, rights):
        raise Forbidden
    return rights


async def _writable(tx: Transaction, caller: Caller, portfolio_id: PortfolioId) -> None:
    if not may_write_filters(caller, await _rights(tx, caller, portfolio_id)):
        raise Forbidden


def _visible(caller: Caller, rights: PortfolioRights) -> Sequence[ApplicationId] | None:
    """Return the applications that the caller may see into; None stands for all."""
    return None if administers(caller, rights.portfolio_id) else sorted(rights.readable)


def _there(found: FeatureFilter | None) -> FeatureFilter:
    if found is None:
        raise NotFound("feature filter")
    return found


def _checked(name: str) -> str:
    if not (name := name.strip()):
        raise Invalid("name", "A feature filter needs a name.")
    return name

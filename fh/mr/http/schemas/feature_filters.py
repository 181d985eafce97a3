"""Feature filters on the wire."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Protocol, TypeAlias
from uuid import UUID

from msgspec import Meta, Struct, field

from fh.grouping import grouped
from fh.model.ids import ApplicationId, FeatureFilterId, FeatureId, ServiceAccountId
from fh.mr.http.schemas.people import AnemicPerson
from fh.mr.repositories import feature_filters as rows
from fh.mr.services.feature_filters import FilterChange, ListedFilters

Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=60)]
Description: TypeAlias = Annotated[str, Meta(max_length=300)]

_NO_NAME = "No name"


def _none() -> tuple[()]:
    # A factory, not a default: omit_defaults would leave an empty array out.
    return ()


class MatchType(StrEnum):
    """Who carries filters (`MatchTypeEnum`)."""

    APPLICATIONS = "applications"
    ACCOUNTS = "serviceaccounts"


class FeatureFilter(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A filter; also what clients change it with."""

    id: FeatureFilterId
    name: Name
    version: int
    description: Description | None = None
    who_created: AnemicPerson | None = None


class FeatureFilterContent(Struct, frozen=True, rename="camel"):
    """What clients send as a `FeatureFilter`: of what they got, the members that count."""

    id: FeatureFilterId
    name: Name
    version: int
    description: Description | None = None


class CreateFeatureFilter(Struct, frozen=True):
    """A filter to be."""

    name: Name
    description: Description | None = None


class SearchFeatureFilterFeature(Struct, frozen=True):
    """A feature that carries a filter."""

    id: FeatureId
    key: str


class SearchFeatureFilterApplication(Struct, frozen=True):
    """An application with features that carry a filter."""

    id: ApplicationId
    name: str
    features: tuple[SearchFeatureFilterFeature, ...]


class SearchFeatureFilterServiceAccount(Struct, frozen=True):
    """An account that carries a filter."""

    id: ServiceAccountId
    name: str


class SearchFeatureFilterItem(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A filter among others; who made it and who carries it only where that was asked for."""

    id: FeatureFilterId
    name: str
    version: int
    description: str | None = None
    who_created: AnemicPerson | None = None
    service_accounts: tuple[SearchFeatureFilterServiceAccount, ...] | None = None
    applications: tuple[SearchFeatureFilterApplication, ...] | None = None


class PaginationResult(Struct, frozen=True, rename="camel"):
    """Which page it is, and how much there is on all of them."""

    total: int
    page: int
    page_size: int


class SearchFeatureFilterResult(Struct, frozen=True):
    """One page of filters."""

    pagination: PaginationResult
    filters: tuple[SearchFeatureFilterItem, ...]


class MatchingFilter(Struct, frozen=True):
    """A filter that is carried."""

    id: FeatureFilterId
    name: str


class MatchingFilterResult(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """An application or an account, and which of the filters it carries."""

    id: UUID
    name: str
    description: str | None = None
    matching_filters: tuple[MatchingFilter, ...] = field(default_factory=_none)


class MatchingFilterResults(Struct, frozen=True, rename="camel"):
    """All that carry any of the filters."""

    matching_results: tuple[MatchingFilterResult, ...]


def filter_body(found: rows.FeatureFilter) -> FeatureFilter:
    """Return a filter, with who made it."""
    return FeatureFilter(
        found.id, found.name, found.version, found.description, _creator(found.creator)
    )


def filter_change(body: FeatureFilterContent) -> FilterChange:
    """Return what a client wants a filter to be."""
    return FilterChange(body.id, body.name, body.description, body.version)


def search_body(
    found: ListedFilters, page: int, size: int, *, details: bool
) -> SearchFeatureFilterResult:
    """Return one page of filters."""
    carrying = _Carrying(
        grouped(found.features, lambda one: one.filter_id),
        grouped(found.accounts, lambda one: one.filter_id),
    )
    return SearchFeatureFilterResult(
        PaginationResult(found.total, page, size),
        tuple(_item(carrying, one) if details else _outline(one) for one in found.filters),
    )


@dataclass(frozen=True, slots=True)
class _Carrying:
    """Who carries filters, by filter."""

    features: Mapping[FeatureFilterId, Sequence[rows.LabelledFeature]]
    accounts: Mapping[FeatureFilterId, Sequence[rows.LabelledAccount]]


class _Carrier(Protocol):
    @property
    def filter_id(self) -> FeatureFilterId: ...


def applications_body(
    filters: Sequence[rows.FeatureFilter], features: Sequence[rows.LabelledFeature]
) -> MatchingFilterResults:
    """Return the applications with features that carry any of the filters."""
    return MatchingFilterResults(
        tuple(
            MatchingFilterResult(
                identifier,
                carriers[0].application_name,
                carriers[0].application_description,
                _matching(filters, carriers),
            )
            for identifier, carriers in grouped(features, lambda one: one.application_id).items()
        )
    )


def accounts_body(
    filters: Sequence[rows.FeatureFilter], accounts: Sequence[rows.LabelledAccount]
) -> MatchingFilterResults:
    """Return the accounts that carry any of the filters."""
    return MatchingFilterResults(
        tuple(
            MatchingFilterResult(
                identifier,
                carriers[0].name,
                carriers[0].description,
                _matching(filters, carriers),
            )
            for identifier, carriers in grouped(accounts, lambda one: one.id).items()
        )
    )


def _matching(
    filters: Sequence[rows.FeatureFilter], carriers: Iterable[_Carrier]
) -> tuple[MatchingFilter, ...]:
    carried = {one.filter_id for one in carriers}
    return tuple(MatchingFilter(one.id, one.name) for one in filters if one.id in carried)


def _outline(found: rows.FeatureFilter) -> SearchFeatureFilterItem:
    return SearchFeatureFilterItem(found.id, found.name, found.version, found.description)


def _item(carrying: _Carrying, found: rows.FeatureFilter) -> SearchFeatureFilterItem:
    features = carrying.features.get(found.id, ())
    return SearchFeatureFilterItem(
        found.id,
        found.name,
        found.version,
        found.description,
        _creator(found.creator),
        tuple(
            SearchFeatureFilterServiceAccount(one.id, one.name)
            for one in carrying.accounts.get(found.id, ())
        ),
        tuple(
            SearchFeatureFilterApplication(
                identifier,
                labelled[0].application_name,
                tuple(SearchFeatureFilterFeature(one.id, one.key) for one in labelled),
            )
            for identifier, labelled in grouped(features, lambda one: one.application_id).items()
        ),
    )


def _creator(creator: rows.Creator | None) -> AnemicPerson | None:
    if creator is None:
        return None
    return AnemicPerson(creator.id, creator.name or _NO_NAME, creator.type, creator.email)

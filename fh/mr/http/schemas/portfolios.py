"""Portfolios on the wire."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct, field

from fh.model.ids import OrganisationId, PortfolioId
from fh.mr.http.schemas.applications import Application, application_body
from fh.mr.http.schemas.people import Author, Group, author_body, group_body
from fh.mr.services.groups import GroupDetails
from fh.mr.services.portfolios import PortfolioDetails


def _none() -> tuple[()]:
    return ()


class Portfolio(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A portfolio; the arrays are empty where they were not asked for."""

    id: PortfolioId
    name: str
    version: int
    description: str | None = None
    organization_id: OrganisationId | None = None
    created_by: Author | None = None
    when_created: datetime | None = None
    when_updated: datetime | None = None
    groups: tuple[Group, ...] = field(default_factory=_none)
    applications: tuple[Application, ...] = field(default_factory=_none)


class CreatePortfolio(Struct, frozen=True):
    """A portfolio to be."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    description: Annotated[str, Meta(max_length=400)] | None = None


class ChangedPortfolio(Struct, frozen=True):
    """A portfolio as clients send them back (`Portfolio`)."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    version: int
    id: PortfolioId | None = None
    description: Annotated[str, Meta(max_length=400)] | None = None


def portfolio_body(details: PortfolioDetails) -> Portfolio:
    """Return a portfolio with the parts that were loaded."""
    portfolio = details.portfolio
    return Portfolio(
        id=portfolio.id,
        name=portfolio.name,
        version=portfolio.version,
        description=portfolio.description,
        organization_id=portfolio.organisation_id,
        created_by=None if portfolio.creator is None else author_body(portfolio.creator),
        when_created=portfolio.created_at,
        when_updated=portfolio.updated_at,
        groups=tuple(group_body(GroupDetails(group)) for group in details.groups),
        applications=tuple(map(application_body, details.applications)),
    )

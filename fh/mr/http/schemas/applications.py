"""Applications on the wire."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct, field

from fh.model.ids import ApplicationId, EnvironmentId, PortfolioId
from fh.model.roles import ApplicationRole, Role
from fh.mr.http.schemas.environments import Environment, environment_body
from fh.mr.http.schemas.features import Feature, feature_body
from fh.mr.http.schemas.people import Author, Group, author_body
from fh.mr.repositories.application_overview import Overview
from fh.mr.services.application_overview import Held
from fh.mr.services.applications import ApplicationDetails
from fh.mr.services.environments import EnvironmentDetails


def _none() -> tuple[()]:
    # A factory, not a default: omit_defaults would leave an empty array out.
    return ()


class Application(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """An application; the arrays are empty where they were not asked for."""

    id: ApplicationId
    name: str
    version: int
    portfolio_id: PortfolioId
    description: str | None = None
    created_by: Author | None = None
    when_created: datetime | None = None
    when_updated: datetime | None = None
    groups: tuple[Group, ...] = field(default_factory=_none)
    features: tuple[Feature, ...] = field(default_factory=_none)
    environments: tuple[Environment, ...] = field(default_factory=_none)


class ApplicationQuery(Struct, frozen=True, rename="camel"):
    """Which parts of one application to fill."""

    include_environments: bool = False


class CreateApplication(Struct, frozen=True, rename="camel"):
    """An application to be."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    description: Annotated[str, Meta(max_length=400)]


class UpdateApplication(Struct, frozen=True, rename="camel"):
    """What clients send as an `Application`: of what they got, the members that count."""

    id: ApplicationId
    name: Annotated[str, Meta(min_length=1, max_length=100)]
    version: int | None = None
    description: Annotated[str, Meta(max_length=400)] | None = None


class ApplicationSummary(Struct, frozen=True, rename="camel"):
    """An application at a glance."""

    groups_have_permission: bool
    service_accounts_have_permission: bool
    feature_count: int
    environment_count: int


class EnvironmentPermission(Struct, frozen=True):
    """What the caller may do in an environment."""

    id: EnvironmentId
    name: str
    roles: tuple[Role, ...]


class ApplicationPermissions(Struct, frozen=True, rename="camel"):
    """What the caller may do in an application."""

    application_roles: tuple[ApplicationRole, ...]
    environments: tuple[EnvironmentPermission, ...]


def application_body(details: ApplicationDetails, *, environments: bool = True) -> Application:
    """Return an application with the parts that were loaded."""
    application = details.application
    return Application(
        id=application.id,
        name=application.name,
        version=application.version,
        portfolio_id=application.portfolio_id,
        description=application.description,
        created_by=None if application.creator is None else author_body(application.creator),
        when_created=application.when_created,
        when_updated=application.when_updated,
        features=tuple(feature_body(feature) for feature in details.features),
        environments=tuple(
            environment_body(EnvironmentDetails(environment))
            for environment in (details.environments if environments else ())
        ),
    )


def summary_body(found: Overview) -> ApplicationSummary:
    """Return an application at a glance."""
    return ApplicationSummary(
        found.groups_have_permission,
        found.accounts_have_permission,
        found.features,
        found.environments,
    )


def permissions_body(held: Held) -> ApplicationPermissions:
    """Return what the caller may do."""
    return ApplicationPermissions(
        tuple(role for role in ApplicationRole if role in held.application),
        tuple(
            EnvironmentPermission(
                one.environment.id,
                one.environment.name,
                tuple(role for role in Role if role in one.roles),
            )
            for one in held.environments
        ),
    )

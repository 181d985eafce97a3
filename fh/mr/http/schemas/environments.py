"""Environments on the wire."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct, field

from fh.model.ids import ApplicationId, EnvironmentId
from fh.model.roles import Role
from fh.mr.access import with_implied_read
from fh.mr.http.schemas.features import Feature, feature_body
from fh.mr.http.schemas.people import EnvironmentGroupRole
from fh.mr.http.schemas.service_accounts import ServiceAccountPermission, granted_body
from fh.mr.repositories.environments import NewEnvironment
from fh.mr.sealed_settings import shown
from fh.mr.services.environments import EnvironmentDetails

_LONGEST_NAME_CHARACTERS = 150


def _none() -> tuple[()]:
    # A factory, not a default: omit_defaults would leave an empty array out.
    return ()


class Environment(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """An environment; arrays are empty and details absent where they were not asked for."""

    id: EnvironmentId
    application_id: ApplicationId
    name: str
    version: int
    production: bool
    prior_environment_id: EnvironmentId | None = None
    description: str | None = None
    when_created: datetime | None = None
    when_updated: datetime | None = None
    environment_info: dict[str, str] | None = None
    webhook_environment_info: dict[str, str] | None = None
    group_roles: tuple[EnvironmentGroupRole, ...] = field(default_factory=_none)
    features: tuple[Feature, ...] = field(default_factory=_none)
    service_account_permission: tuple[ServiceAccountPermission, ...] | None = None


class CreateEnvironment(Struct, frozen=True, rename="camel"):
    """An environment to be."""

    name: Annotated[str, Meta(min_length=1, max_length=_LONGEST_NAME_CHARACTERS)]
    description: Annotated[str, Meta(max_length=400)]
    prior_environment_id: EnvironmentId | None = None
    environment_info: dict[str, str] | None = None
    production: bool | None = False


def environment_body(
    found: EnvironmentDetails,
    *,
    details: bool = False,
    sdk_urls: bool = False,
    opened: Mapping[str, str] | None = None,
) -> Environment:
    """Return an environment with the parts that were loaded; `opened` are secrets to be shown."""
    environment = found.environment
    return Environment(
        id=environment.id,
        application_id=environment.application_id,
        name=environment.name,
        version=environment.version,
        production=environment.production,
        prior_environment_id=environment.prior_id,
        description=environment.description if details else None,
        when_created=environment.when_created,
        when_updated=environment.when_updated,
        environment_info=dict(environment.information) if details else None,
        webhook_environment_info=shown(environment.webhook_information, opened)
        if details
        else None,
        group_roles=tuple(
            EnvironmentGroupRole(
                role.environment_id,
                role.group_id,
                tuple(one for one in Role if one in with_implied_read(role.roles)),
            )
            for role in found.group_roles
        ),
        features=tuple(feature_body(feature) for feature in found.features),
        service_account_permission=None
        if found.accounts is None
        else tuple(granted_body(granted, sdk_urls=sdk_urls) for granted in found.accounts),
    )


def new_environment(body: CreateEnvironment) -> NewEnvironment:
    """Return what an environment starts with."""
    return NewEnvironment(
        name=body.name,
        description=body.description,
        production=bool(body.production),
        prior_id=body.prior_environment_id,
        information=body.environment_info,
    )

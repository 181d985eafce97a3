"""What clients send to change environments."""

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from fh.model.ids import ApplicationId, EnvironmentId
from fh.mr.services.environment_changes import EnvironmentChange

Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=150)]
Description: TypeAlias = Annotated[str, Meta(max_length=400)]


class UpdateEnvironment(Struct, frozen=True, kw_only=True, rename="camel"):
    """What an environment is to be; what is absent or null stays as it is."""

    version: int
    name: Name | None = None
    description: Description | None = None
    production: bool | None = None
    environment_info: dict[str, str] | None = None
    webhook_environment_info: dict[str, str] | None = None
    prior_environment_id: EnvironmentId | None = None


class UpdateEnvironmentV2(UpdateEnvironment, frozen=True, kw_only=True, rename="camel"):
    """The same, and which environment; its version is not looked at."""

    id: EnvironmentId


class EnvironmentContent(Struct, frozen=True, rename="camel"):
    """What clients send as an `Environment`: of what they got, the members that count."""

    id: EnvironmentId
    name: Name
    version: int | None = None
    description: Description | None = None
    production: bool | None = None
    prior_environment_id: EnvironmentId | None = None


class PlacedEnvironment(Struct, frozen=True, rename="camel"):
    """An `Environment` of which only its place counts."""

    id: EnvironmentId
    version: int | None = None
    prior_environment_id: EnvironmentId | None = None


def change_of_update(
    body: UpdateEnvironment, *, application_id: ApplicationId | None = None
) -> EnvironmentChange:
    """Return what a client wants; in an application, whatever version it was looking at."""
    return EnvironmentChange(
        name=body.name,
        description=body.description,
        production=body.production,
        prior_id=body.prior_environment_id,
        information=body.environment_info,
        webhook_information=body.webhook_environment_info,
        version=body.version,
        application_id=application_id,
    )


def change_of_content(body: EnvironmentContent) -> EnvironmentChange:
    """Return what a client wants; settings are not changed this way."""
    return EnvironmentChange(
        name=body.name,
        description=body.description,
        production=body.production,
        prior_id=body.prior_environment_id,
        version=body.version,
    )

"""The first set-up on the wire."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct, field

from fh.model.ids import OrganisationId
from fh.mr.http.schemas.people import Email, Group
from fh.mr.http.schemas.portfolios import Portfolio


def _none() -> tuple[()]:
    return ()


class IdentityProviderInfo(Struct, frozen=True, rename="camel"):
    """How the button of an external identity provider looks."""

    button_icon: str
    button_background_color: str
    button_text: str


class SetupMissingResponse(Struct, frozen=True, rename="camel"):
    """Nothing was set up yet; what a set-up can use."""

    providers: tuple[str, ...]
    capability_info: dict[str, str]
    provider_info: dict[str, IdentityProviderInfo]


class Organization(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """Who the installation belongs to."""

    id: OrganisationId
    name: str
    version: int
    when_created: datetime | None = None
    when_updated: datetime | None = None
    org_group: Group | None = None
    portfolios: tuple[Portfolio, ...] = field(default_factory=_none)


class SetupResponse(Struct, frozen=True, rename="camel"):
    """The installation, and what it can do."""

    organization: Organization
    providers: tuple[str, ...]
    provider_info: dict[str, IdentityProviderInfo]
    capability_info: dict[str, str]


class SetupSiteAdmin(Struct, frozen=True, rename="camel"):
    """Who and what to begin with; without an address an external provider says who."""

    portfolio: Annotated[str, Meta(max_length=200)]
    organization_name: Annotated[str, Meta(max_length=255)]
    email_address: Email | None = None
    password: Annotated[str, Meta(max_length=100)] | None = None
    name: Annotated[str, Meta(max_length=100)] | None = None
    auth_provider: str | None = None

    def __repr__(self) -> str:
        return f"SetupSiteAdmin({self.email_address!r})"

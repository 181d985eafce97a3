"""`/mr-api/initialize`: whether there is an installation, and making one."""

from collections.abc import Sequence
from dataclasses import replace

from fh.db.port import Database
from fh.http.routing import AnyRoute, Reply, Request, Route
from fh.mr.errors import Invalid
from fh.mr.http.schemas.people import TokenizedPerson, group_body, person_body
from fh.mr.http.schemas.setup import (
    Organization,
    SetupMissingResponse,
    SetupResponse,
    SetupSiteAdmin,
)
from fh.mr.services.groups import GroupDetails
from fh.mr.services.passwords import Passwords
from fh.mr.services.setup import (
    Installation,
    SiteAdmin,
    find_installation,
    refuse_second_setup,
    set_up,
)
from fh.mr.settings import MrSettings

_TAG = "SetupService"
_LOCAL = "local"


def routes(database: Database, settings: MrSettings, passwords: Passwords) -> Sequence[AnyRoute]:
    """Return the routes of the set-up."""
    providers = (_LOCAL,) if settings.local_login_enabled else ()
    capabilities = _capabilities(settings)

    async def is_installed(_: Request[None, None, None]) -> SetupResponse | Reply:
        found = await database.transaction(find_installation, read_only=True)
        if found is None:
            missing = SetupMissingResponse(providers, {"trackingId": settings.tracking_id}, {})
            return Reply(missing, status=404)
        return SetupResponse(_organisation(found), providers, {}, capabilities)

    async def setup_site_admin(request: Request[None, None, SetupSiteAdmin]) -> TokenizedPerson:
        wanted = request.body
        await database.transaction(refuse_second_setup, read_only=True)
        if wanted.email_address is None or not settings.local_login_enabled:
            raise Invalid("authProvider", "No external identity provider is configured.")
        admin = SiteAdmin(
            organisation_name=wanted.organization_name,
            portfolio_name=wanted.portfolio,
            email=wanted.email_address,
            name=wanted.name,
            password=wanted.password or "",
        )
        token, person = await set_up(database, passwords, settings, admin)
        return TokenizedPerson(token, person_body(person), capabilities)

    return [
        Route(
            "GET",
            "/mr-api/initialize",
            "isInstalled",
            is_installed,
            tag=_TAG,
            response=SetupResponse,
            answers={404: SetupMissingResponse},
            authenticated=False,
        ),
        Route(
            "POST",
            "/mr-api/initialize",
            "setupSiteAdmin",
            setup_site_admin,
            tag=_TAG,
            body=SetupSiteAdmin,
            response=TokenizedPerson,
            authenticated=False,
        ),
    ]


def _organisation(found: Installation) -> Organization:
    organisation, superusers = found.organisation, found.superusers_group
    # Everybody may read this, so it names nobody.
    group = None if superusers is None else replace(superusers, creator=None)
    return Organization(
        id=organisation.id,
        name=organisation.name,
        version=organisation.version,
        when_created=organisation.created_at,
        when_updated=organisation.updated_at,
        org_group=None if group is None else group_body(GroupDetails(group)),
    )


def _capabilities(settings: MrSettings) -> dict[str, str]:
    """Return what the admin UI asks before it offers a part of itself."""
    present = {
        # Nothing is sent to webhooks yet.
        "webhook.features": False,
        # It offers the page that refreshes caches by this: upstream can refresh Dacha1 alone, and
        # here `cacheRefresh` is always served, and reaches every cache.
        "dacha1Enabled": True,
        "featureGroupsEnabled": settings.publishes_groups,
        "webhook.encryption": bool(settings.secrets_password.reveal),
        "webhook.decryption": settings.secrets_can_be_read,
        "system.config": settings.system_config_enabled,
    }
    return {"trackingId": settings.tracking_id} | {
        name: str(is_there).lower() for name, is_there in present.items()
    }

"""Applications: they own features and environments."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter

from fh.db.port import Transaction
from fh.grouping import grouped
from fh.model.ids import ApplicationId, PortfolioId
from fh.mr.access import Caller, administers, may_read_features
from fh.mr.errors import Forbidden, Invalid, NotFound
from fh.mr.outbox import announce
from fh.mr.promotion import in_promotion_order
from fh.mr.repositories import applications as repository
from fh.mr.repositories.access import find_application_rights
from fh.mr.repositories.applications import Application
from fh.mr.repositories.environments import (
    Environment,
    NewEnvironment,
    archive_environments_of,
    find_environments,
)
from fh.mr.repositories.features import Feature, archive_features_of, find_features
from fh.mr.repositories.publishing import load_deleted_environments
from fh.mr.services.environments import add_environment, load_announcements
from fh.mr.settings import MrSettings
from fh.mr.versions import check_version


@dataclass(frozen=True, slots=True)
class ApplicationParts:
    """Which parts of applications somebody wants to see."""

    environments: bool = False
    features: bool = False


@dataclass(frozen=True, slots=True)
class ApplicationDetails:
    """An application, and the parts of it that were asked for."""

    application: Application
    environments: Sequence[Environment] = ()
    features: Sequence[Feature] = ()


@dataclass(frozen=True, slots=True)
class ApplicationChange:
    """What a client wants an application to be; a `description` of None leaves it as it is.

    `portfolio_id` is the portfolio in which the client looks for it, if it names one.
    """

    name: str
    description: str | None
    version: int | None
    portfolio_id: PortfolioId | None = None


async def find_applications(
    tx: Transaction,
    caller: Caller,
    portfolio_id: PortfolioId,
    name_part: str | None,
    parts: ApplicationParts,
) -> Sequence[ApplicationDetails]:
    """Return a portfolio's applications: admins see all, others where they have a role."""
    found = await repository.find_applications(tx, portfolio_id, name_part)
    if not administers(caller, portfolio_id):
        visible = await repository.find_visible(tx, portfolio_id, caller.groups)
        found = [application for application in found if application.id in visible]
    return await _with_parts(tx, found, parts)


async def load_application(
    tx: Transaction, caller: Caller, application_id: ApplicationId, parts: ApplicationParts
) -> ApplicationDetails:
    """Return one application.

    Raises:
        NotFound: there is none such.
        Forbidden: the caller may not read its features.
    """
    application = await repository.find_application(tx, application_id)
    rights = await find_application_rights(tx, caller, application_id)
    if application is None or rights is None:
        raise NotFound("application")
    if not may_read_features(caller, rights):
        raise Forbidden
    [details] = await _with_parts(tx, [application], parts)
    return details


async def create_application(
    tx: Transaction,
    caller: Caller,
    portfolio_id: PortfolioId,
    name: str,
    description: str,
    settings: MrSettings,
) -> ApplicationDetails:
    """Create an application with its first environment, the one for production.

    Raises:
        Forbidden: the caller does not administer the portfolio.
        NotFound: there is no such portfolio.
        AlreadyExists: the portfolio has an application of that name, whatever its case.
        Invalid: the name is blank.
    """
    if not administers(caller, portfolio_id):
        raise Forbidden
    if not (name := name.strip()):
        raise Invalid("name", "An application needs a name.")
    if not await repository.portfolio_is_live(tx, portfolio_id):
        raise NotFound("portfolio")
    application = await repository.insert_application(
        tx, portfolio_id, name, description, caller.person_id
    )
    production = NewEnvironment(
        name=settings.production_environment_name,
        description=settings.production_environment_description,
        production=True,
    )
    environment_id = await add_environment(tx, application, production, caller.person_id)
    environments = await find_environments(tx, [application.id])
    await announce(tx, *await load_announcements(tx, environment_id))
    return ApplicationDetails(application, environments)


async def update_application(
    tx: Transaction, caller: Caller, application_id: ApplicationId, change: ApplicationChange
) -> Application:
    """Give an application another name and description.

    Raises:
        NotFound: there is none such, or it is not in the portfolio that was named.
        Forbidden: the caller does not administer its portfolio.
        VersionConflict: somebody changed it, or the version is missing.
        AlreadyExists: the portfolio has another application of that name, whatever its case.
        Invalid: the name is blank.
    """
    if change.portfolio_id is not None and not administers(caller, change.portfolio_id):
        raise Forbidden
    application = await repository.lock_application(tx, application_id)
    if application is None or change.portfolio_id not in {None, application.portfolio_id}:
        raise NotFound("application")
    if not administers(caller, application.portfolio_id):
        raise Forbidden
    if not (name := change.name.strip()):
        raise Invalid("name", "An application needs a name.")
    check_version("application", change.version, application.version)
    description = application.description if change.description is None else change.description
    if (name, description) == (application.name, application.description):
        return application
    return await repository.save_application(tx, application_id, name, description)


async def with_environments(tx: Transaction, application: Application) -> ApplicationDetails:
    """Return an application with its environments in promotion order."""
    [details] = await _with_parts(tx, [application], ApplicationParts(environments=True))
    return details


async def delete_application(
    tx: Transaction, caller: Caller, application_id: ApplicationId
) -> None:
    """Archive an application with its environments and features.

    Raises:
        NotFound: there is none such.
        Forbidden: the caller does not administer its portfolio.
    """
    application = await repository.lock_application(tx, application_id)
    if application is None:
        raise NotFound("application")
    if not administers(caller, application.portfolio_id):
        raise Forbidden
    now = datetime.now(UTC)
    environments = await archive_environments_of(tx, application_id, now)
    await archive_features_of(tx, application_id, now)
    await repository.archive_application(tx, application_id)
    await announce(tx, *await load_deleted_environments(tx, environments))


async def _with_parts(
    tx: Transaction, applications: Sequence[Application], parts: ApplicationParts
) -> Sequence[ApplicationDetails]:
    ids = [application.id for application in applications]
    owner = attrgetter("application_id")
    environments = grouped(await find_environments(tx, ids) if parts.environments else (), owner)
    features = grouped(await find_features(tx, ids) if parts.features else (), owner)
    return [
        ApplicationDetails(
            application,
            in_promotion_order(environments.get(application.id, ())),
            features.get(application.id, ()),
        )
        for application in applications
    ]

"""Changing environments: what they are called, their settings, and their order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from fh.db.port import Transaction
from fh.model.ids import ApplicationId, EnvironmentId
from fh.mr.access import Caller, administers
from fh.mr.errors import Forbidden, Invalid, NotFound
from fh.mr.outbox import announce
from fh.mr.promotion import Placed, moved_behind, reordered
from fh.mr.repositories import environments as repository
from fh.mr.repositories.applications import lock_application
from fh.mr.repositories.environments import Environment
from fh.mr.repositories.publishing import load_published_environment
from fh.mr.sealed_settings import MOST_SETTINGS, Unsealed, merged
from fh.mr.sealed_text import SealedText
from fh.mr.services.environments import (
    EnvironmentDetails,
    EnvironmentParts,
    users_own,
    with_parts,
)
from fh.mr.services.stored_secrets import SealFirst
from fh.mr.versions import check_version
from fh.mr.webhook_settings import check_webhook_settings
from fh.mr.webhook_targets import Network


@dataclass(frozen=True, slots=True)
class EnvironmentChange:
    """What a client wants an environment to be; what is None stays as it is.

    `application_id` is the application in which the client looks for it, if it names one; clients
    that do send stale versions with every change, so then `version` is not looked at.
    """

    name: str | None = None
    description: str | None = None
    production: bool | None = None
    prior_id: EnvironmentId | None = None
    information: Mapping[str, str] | None = None
    webhook_information: Mapping[str, str] | None = None
    version: int | None = None
    application_id: ApplicationId | None = None


async def update_environment(
    tx: Transaction,
    caller: Caller,
    environment_id: EnvironmentId,
    change: EnvironmentChange,
    parts: EnvironmentParts,
    *,
    sealed: Mapping[str, SealedText],
    allowed: Sequence[Network],
) -> EnvironmentDetails:
    """Change an environment; return it with `parts`. What is as it was gets no next version.

    `sealed` are secrets that were sealed so far, `allowed` are networks that webhooks may reach.

    Raises:
        Forbidden: the caller does not administer its portfolio.
        NotFound: there is no such environment, or not in the application that was named.
        VersionConflict: somebody changed it, or the version is missing.
        AlreadyExists: the application has another environment of that name.
        Invalid: the name is blank, the prior is none, or settings can't be what they are.
        SealFirst: there are secrets to seal; nothing was written.
    """
    if change.application_id is not None:
        application = await lock_application(tx, change.application_id)
        if application is None:
            raise NotFound("application") if caller.superuser else Forbidden
        if not administers(caller, application.portfolio_id):
            raise Forbidden
    found = await repository.find_environment(tx, environment_id)
    if found is None or change.application_id not in {None, found.application_id}:
        knows = caller.superuser or change.application_id is not None
        raise NotFound("environment") if knows else Forbidden
    if not administers(caller, found.portfolio_id):
        raise Forbidden
    await lock_application(tx, found.application_id)
    if change.prior_id is not None:  # others may move along: in the order of all
        await repository.lock_environments(tx, found.application_id)
    current = await repository.lock_environment(tx, environment_id)
    if current is None:
        raise NotFound("environment")
    if change.application_id is None:
        check_version("environment", change.version, current.version)
    changed = _changed(current, change, sealed, allowed)
    if change.prior_id is not None and change.prior_id != current.prior_id:
        siblings = await repository.find_environments(tx, [current.application_id])
        await repository.save_priors(tx, moved_behind(siblings, current, change.prior_id))
        changed = replace(changed, prior_id=change.prior_id)
    if changed != current:
        await repository.save_environment(tx, changed)
        await announce(tx, await load_published_environment(tx, environment_id))
    saved = await repository.find_environment(tx, environment_id)
    assert saved is not None, "it is locked"
    [details] = await with_parts(tx, caller, [saved], parts)
    return details


async def order_environments(
    tx: Transaction, caller: Caller, application_id: ApplicationId, wanted: Sequence[Placed]
) -> Sequence[Environment]:
    """Put an application's environments into another order; return all. Nothing is announced.

    Raises:
        NotFound: there is no such application.
        Forbidden: the caller does not administer its portfolio.
        Invalid: it is no order.
    """
    application = await lock_application(tx, application_id)
    if application is None:
        raise NotFound("application") if caller.superuser else Forbidden
    if not administers(caller, application.portfolio_id):
        raise Forbidden
    environments = await repository.lock_environments(tx, application_id)
    if len(wanted) > 1:  # one environment alone has no order
        await repository.save_priors(tx, reordered(environments, wanted))
    return await repository.find_environments(tx, [application_id])


def _changed(
    current: Environment,
    change: EnvironmentChange,
    sealed: Mapping[str, SealedText],
    allowed: Sequence[Network],
) -> Environment:
    name = current.name if change.name is None else change.name.strip()
    if not name:
        raise Invalid("name", "An environment needs a name.")
    information = users_own(change.information)
    return replace(
        current,
        name=name,
        description=current.description if change.description is None else change.description,
        production=current.production if change.production is None else change.production,
        information=current.information if information is None else information,
        webhook_information=_changed_webhooks(current, change, sealed, allowed),
    )


def _changed_webhooks(
    current: Environment,
    change: EnvironmentChange,
    sealed: Mapping[str, SealedText],
    allowed: Sequence[Network],
) -> Mapping[str, str]:
    if change.webhook_information is None:
        return current.webhook_information
    check_webhook_settings("webhookEnvironmentInfo", change.webhook_information, allowed)
    result = merged(current.webhook_information, change.webhook_information, sealed)
    if isinstance(result, Unsealed):
        raise SealFirst(result.texts)
    if len(result) > MOST_SETTINGS:
        raise Invalid("webhookEnvironmentInfo", f"At most {MOST_SETTINGS} settings.")
    return result

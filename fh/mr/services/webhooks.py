"""Integrations of environments: which there are, trying them, and what became of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from fh.db.port import Transaction
from fh.model.ids import EnvironmentId
from fh.mr.access import Caller, administers
from fh.mr.errors import Forbidden, Invalid, NotFound
from fh.mr.repositories import webhooks as repository
from fh.mr.repositories.environments import find_environment
from fh.mr.repositories.tracked_events import TrackedEvent, find_tracked
from fh.mr.repositories.webhooks import ResultOutline, WebhookResult
from fh.mr.settings import MrSettings

ENVIRONMENT_SOURCE: Final = "env"
"""What tracked events are about: an environment."""


@dataclass(frozen=True, slots=True)
class WebhookType:
    """A kind of integration; its settings are under `prefix`."""

    message_type: str
    prefix: str
    description: str


_FEATURES: Final = WebhookType(
    "webhook-environment-result-v1", "webhook.features", "Webhook: Feature updates"
)
_SLACK: Final = WebhookType("integration/slack-v1", "integration.slack", "Slack")


def webhook_types(settings: MrSettings) -> Sequence[WebhookType]:
    """Return the integrations that there are; clients look for the first one by its place."""
    return [_FEATURES, _SLACK] if settings.slack_is_active else [_FEATURES]


async def ask_for_test(
    tx: Transaction,
    caller: Caller,
    environment_id: EnvironmentId,
    message_type: str,
    settings: MrSettings,
) -> None:
    """Have an environment's webhook tried with its settings as they are stored.

    Raises:
        NotFound: there is no such environment.
        Forbidden: the caller does not administer its portfolio.
        Invalid: there is no such integration.
    """
    await _check_admin(tx, caller, environment_id)
    if message_type not in {one.message_type for one in webhook_types(settings)}:
        raise Invalid("messageType", "There is no such integration.")
    await repository.ask_for_test(tx, environment_id, message_type, caller.person_id)


async def load_results(
    tx: Transaction,
    caller: Caller,
    environment_id: EnvironmentId,
    webhook_type: str | None,
    limit: int,
    offset: int,
) -> tuple[Sequence[ResultOutline], int]:
    """Return a page of deliveries, the newest first, and how many there are in all.

    Raises:
        NotFound: there is no such environment.
        Forbidden: the caller does not administer its portfolio.
    """
    await _check_admin(tx, caller, environment_id)
    return await repository.find_results(tx, environment_id, webhook_type, limit, offset)


async def load_result(
    tx: Transaction, caller: Caller, environment_id: EnvironmentId, result_id: UUID
) -> WebhookResult:
    """Return one delivery.

    Raises:
        NotFound: there is no such environment, or no such delivery of it.
        Forbidden: the caller does not administer its portfolio.
    """
    await _check_admin(tx, caller, environment_id)
    result = await repository.find_result(tx, environment_id, result_id)
    if result is None:
        raise NotFound("delivery")
    return result


async def load_tracked(
    tx: Transaction,
    caller: Caller,
    environment_id: EnvironmentId,
    message_type: str | None,
    limit: int,
    offset: int,
) -> tuple[Sequence[TrackedEvent], int]:
    """Return a page of tracked messages of an environment, and how many there are in all.

    Raises:
        NotFound: there is no such environment.
        Forbidden: the caller does not administer its portfolio.
    """
    await _check_admin(tx, caller, environment_id)
    return await find_tracked(tx, ENVIRONMENT_SOURCE, environment_id, message_type, limit, offset)


async def _check_admin(tx: Transaction, caller: Caller, environment_id: EnvironmentId) -> None:
    environment = await find_environment(tx, environment_id)
    if environment is None:
        raise NotFound("environment") if caller.superuser else Forbidden
    if not administers(caller, environment.portfolio_id):
        raise Forbidden

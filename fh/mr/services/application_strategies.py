"""Application strategies: written once, attached to any number of feature values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from msgspec.structs import replace

from fh.contracts.published import ABSENT
from fh.db.port import Transaction
from fh.model.ids import ApplicationId, ApplicationStrategyId
from fh.mr.access import (
    Caller,
    may_create_strategies,
    may_delete_strategies,
    may_edit_strategies,
)
from fh.mr.attribute_rules import normalised
from fh.mr.errors import Forbidden, NotFound
from fh.mr.outbox import announce
from fh.mr.repositories import application_strategies as repository
from fh.mr.repositories.application_strategies import (
    ApplicationStrategy,
    StrategyPage,
    Usage,
)
from fh.mr.repositories.applications import lock_application
from fh.mr.repositories.publishing import load_published_values
from fh.mr.repositories.value_versions import (
    detach_everywhere,
    lock_attached_values,
    note_strategy_version,
    save_next_versions,
)
from fh.mr.rollout_strategy import (
    RolloutStrategy,
    RolloutStrategyAttribute,
    check_readable,
    new_application_strategy_id,
    published_strategy,
    with_ids,
)
from fh.mr.services.rights import application_rights, reader_rights
from fh.mr.strategy_bounds import check_bounds
from fh.mr.strategy_rules import Verdict, check_rules, judge


@dataclass(frozen=True, slots=True)
class StrategyChange:
    """What a client wants a strategy to be; None leaves a member as it is."""

    name: str | None = None
    percentage: int | None = None
    percentage_attributes: tuple[str, ...] | None = None
    attributes: tuple[RolloutStrategyAttribute, ...] | None = None
    disabled: bool | None = None
    colouring: int | None = None
    avatar: str | None = None

    def applied_to(self, strategy: RolloutStrategy) -> RolloutStrategy:
        """Return `strategy` with the members that are given."""
        names = self.__slots__
        given = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        return replace(strategy, **given)


@dataclass(frozen=True, slots=True)
class ListedStrategies:
    """One page of an application's strategies, of `total` that match."""

    total: int
    strategies: Sequence[ApplicationStrategy]
    usage: Sequence[Usage]


async def list_strategies(
    tx: Transaction, caller: Caller, application_id: ApplicationId, page: StrategyPage
) -> ListedStrategies:
    """Return an application's strategies and where they are attached.

    Raises:
        NotFound: there is no such application.
        Forbidden: the caller may not read the application's features.
    """
    await reader_rights(tx, caller, application_id)
    total, strategies = await repository.find_strategies(tx, application_id, page)
    usage = await repository.find_usage(tx, [one.id for one in strategies])
    return ListedStrategies(total, strategies, usage)


async def load_strategy(
    tx: Transaction,
    caller: Caller,
    application_id: ApplicationId,
    strategy_id: ApplicationStrategyId,
) -> ApplicationStrategy:
    """Return one strategy.

    Raises:
        NotFound: there is no such application or strategy.
        Forbidden: the caller may not read the application's features.
    """
    await reader_rights(tx, caller, application_id)
    return _there(await repository.find_strategy(tx, application_id, strategy_id))


async def create_strategy(
    tx: Transaction, caller: Caller, application_id: ApplicationId, strategy: RolloutStrategy
) -> ApplicationStrategy:
    """Create a strategy with a new code, which SDKs know it by.

    Raises:
        NotFound: there is no such application.
        Forbidden: the caller may not create strategies there.
        AlreadyExists: the application has a strategy of that name, whatever its case.
        Invalid: it holds more than there is room for, or what can't be read.
        StrategiesRefused: it breaks the rules.
    """
    rights = await application_rights(tx, caller, application_id)
    if not may_create_strategies(caller, rights):
        raise Forbidden
    strategy = _checked(strategy)
    if await lock_application(tx, application_id) is None:
        raise NotFound("application")
    taken = await repository.find_codes(tx, application_id)
    code = new_application_strategy_id()
    while code in taken:
        code = new_application_strategy_id()
    created = await repository.insert_strategy(tx, application_id, code, strategy, caller.person_id)
    return _there(await repository.find_strategy(tx, application_id, created))


async def update_strategy(
    tx: Transaction,
    caller: Caller,
    application_id: ApplicationId,
    strategy_id: ApplicationStrategyId,
    change: StrategyChange,
) -> ApplicationStrategy:
    """Change a strategy; what SDKs see of that is announced with all values it is attached to.

    Raises:
        NotFound: there is no such application or strategy.
        Forbidden: the caller may not edit strategies there.
        AlreadyExists: another one of the application has that name, whatever its case.
        Invalid: it holds more than there is room for, or what can't be read.
        StrategiesRefused: it breaks the rules.
    """
    rights = await application_rights(tx, caller, application_id)
    if not may_edit_strategies(caller, rights):
        raise Forbidden
    current = _there(await repository.lock_strategy(tx, application_id, strategy_id))
    wanted = _checked(change.applied_to(current.strategy))
    if wanted == current.strategy:
        return current
    await repository.save_strategy(tx, strategy_id, wanted, caller.person_id)
    saved = _there(await repository.find_strategy(tx, application_id, strategy_id))
    if _seen_by_sdks(current.strategy) == _seen_by_sdks(saved.strategy):
        return saved
    values = await lock_attached_values(tx, strategy_id)
    await note_strategy_version(tx, strategy_id, saved.version)
    await save_next_versions(tx, values, caller.person_id)
    await announce(tx, *await load_published_values(tx, [value.place for value in values]))
    return saved


async def delete_strategy(
    tx: Transaction,
    caller: Caller,
    application_id: ApplicationId,
    strategy_id: ApplicationStrategyId,
) -> None:
    """Archive a strategy and take it away from all values.

    Raises:
        NotFound: there is no such application or strategy.
        Forbidden: the caller may not delete strategies there.
    """
    rights = await application_rights(tx, caller, application_id)
    if not may_delete_strategies(caller, rights):
        raise Forbidden
    strategy = _there(await repository.lock_strategy(tx, application_id, strategy_id))
    values = await lock_attached_values(tx, strategy_id)
    await repository.archive_strategy(tx, strategy, datetime.now(UTC), caller.person_id)
    await detach_everywhere(tx, strategy_id)
    await save_next_versions(tx, values, caller.person_id)
    await announce(tx, *await load_published_values(tx, [value.place for value in values]))


def validate(strategies: Sequence[RolloutStrategy]) -> Verdict:
    """Return all that is wrong with strategies that somebody thinks of saving.

    Raises:
        Invalid: they hold more than there is room for, or what can't be read.
    """
    check_bounds(strategies)
    check_readable(strategies)
    return judge(None, normalised(strategies))


def _there(strategy: ApplicationStrategy | None) -> ApplicationStrategy:
    if strategy is None:
        raise NotFound("application strategy")
    return strategy


def _checked(strategy: RolloutStrategy) -> RolloutStrategy:
    """Return `strategy` as it is to be stored; its values are those it is attached with."""
    strategy = replace(strategy, name=(strategy.name or "").strip(), value=ABSENT)
    check_bounds([strategy])
    check_readable([strategy])
    [normal] = normalised([strategy])
    check_rules(None, [normal])
    [named] = with_ids([normal], new_application_strategy_id)
    return named


def _seen_by_sdks(strategy: RolloutStrategy) -> object:
    return bool(strategy.disabled), published_strategy(strategy)

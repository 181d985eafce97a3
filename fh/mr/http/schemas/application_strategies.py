"""Application strategies on the wire."""

from datetime import datetime
from typing import Annotated, TypeAlias

from msgspec import Meta, Struct, field

from fh.grouping import grouped
from fh.model.ids import ApplicationStrategyId, EnvironmentId
from fh.mr.repositories import application_strategies as rows
from fh.mr.rollout_strategy import (
    Avatar,
    Colouring,
    RolloutStrategy,
    RolloutStrategyAttribute,
)
from fh.mr.services.application_strategies import ListedStrategies, StrategyChange

Name: TypeAlias = Annotated[str, Meta(max_length=150)]


def _none() -> tuple[()]:
    # A factory, not a default: omit_defaults would leave an empty array out.
    return ()


def _no() -> bool:
    # As above: a false is written, too.
    return False


class ApplicationRolloutStrategy(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A strategy without a value; `percentage` is in millionths."""

    id: ApplicationStrategyId
    name: str
    percentage: int | None = None
    percentage_attributes: tuple[str, ...] = field(default_factory=_none)
    attributes: tuple[RolloutStrategyAttribute, ...] = field(default_factory=_none)
    disabled: bool = field(default_factory=_no)
    colouring: int | None = None
    avatar: str | None = None


class CreateApplicationRolloutStrategy(Struct, frozen=True, rename="camel"):
    """A strategy to be."""

    name: Name | None = None
    percentage: int | None = None
    percentage_attributes: tuple[str, ...] | None = None
    attributes: tuple[RolloutStrategyAttribute, ...] | None = None
    disabled: bool | None = None
    colouring: Colouring | None = None
    avatar: Avatar | None = None


class UpdateApplicationRolloutStrategy(Struct, frozen=True, rename="camel"):
    """What a strategy is to be; members that are absent or null stay as they are.

    Its times are sent back as they were received, and don't count.
    """

    name: Name | None = None
    percentage: int | None = None
    percentage_attributes: tuple[str, ...] | None = None
    attributes: tuple[RolloutStrategyAttribute, ...] | None = None
    disabled: bool | None = None
    colouring: Colouring | None = None
    avatar: Avatar | None = None
    when_created: datetime | None = None
    when_updated: datetime | None = None


class ListApplicationRolloutStrategyItemUser(Struct, frozen=True, omit_defaults=True):
    """Who changed a strategy last."""

    email: str
    name: str | None = None


class ApplicationRolloutStrategyEnvironment(Struct, frozen=True, rename="camel"):
    """To how many feature values of an environment a strategy is attached."""

    id: EnvironmentId
    name: str
    features_count: int


class ListApplicationRolloutStrategyItem(Struct, frozen=True, rename="camel"):
    """A strategy among others; SDKs know it by `unique_code`."""

    strategy: ApplicationRolloutStrategy
    unique_code: str
    when_created: datetime
    when_updated: datetime
    updated_by: ListApplicationRolloutStrategyItemUser
    usage: tuple[ApplicationRolloutStrategyEnvironment, ...]


class ApplicationRolloutStrategyList(Struct, frozen=True):
    """One page; `max` counts all that match."""

    max: int
    page: int
    items: tuple[ListApplicationRolloutStrategyItem, ...]


def strategy_body(found: rows.ApplicationStrategy) -> ApplicationRolloutStrategy:
    """Return a strategy."""
    strategy = found.strategy
    return ApplicationRolloutStrategy(
        id=found.id,
        name=strategy.name or "",
        percentage=strategy.percentage,
        percentage_attributes=strategy.percentage_attributes or (),
        attributes=strategy.attributes or (),
        disabled=bool(strategy.disabled),
        colouring=strategy.colouring,
        avatar=strategy.avatar,
    )


def list_body(found: ListedStrategies, page: int) -> ApplicationRolloutStrategyList:
    """Return one page of strategies."""
    usage = grouped(found.usage, lambda one: one.strategy_id)
    return ApplicationRolloutStrategyList(
        max=found.total,
        page=page,
        items=tuple(
            ListApplicationRolloutStrategyItem(
                strategy=strategy_body(one),
                unique_code=one.code,
                when_created=one.when_created,
                when_updated=one.when_updated,
                updated_by=ListApplicationRolloutStrategyItemUser(
                    one.author_email, one.author_name
                ),
                usage=tuple(
                    ApplicationRolloutStrategyEnvironment(
                        where.environment_id, where.environment_name, where.features
                    )
                    for where in usage.get(one.id, ())
                ),
            )
            for one in found.strategies
        ),
    )


def new_strategy(body: CreateApplicationRolloutStrategy) -> RolloutStrategy:
    """Return the strategy that a client wants."""
    return RolloutStrategy(
        name=body.name,
        percentage=body.percentage,
        percentage_attributes=body.percentage_attributes,
        attributes=body.attributes,
        disabled=body.disabled,
        colouring=body.colouring,
        avatar=body.avatar,
    )


def strategy_change(body: UpdateApplicationRolloutStrategy) -> StrategyChange:
    """Return what a client wants a strategy to be."""
    return StrategyChange(
        name=body.name,
        percentage=body.percentage,
        percentage_attributes=body.percentage_attributes,
        attributes=body.attributes,
        disabled=body.disabled,
        colouring=body.colouring,
        avatar=body.avatar,
    )

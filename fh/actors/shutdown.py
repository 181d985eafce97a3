"""Ending many children: in reverse start order, each with its own patience."""

from collections.abc import Iterator, Mapping
from typing import Any

import trio

from fh.actors.cell import Cell
from fh.actors.service import Service
from fh.actors.state import Order, State

_ENDINGS_IN_A_ROW = 1000  # before others run


async def drain_children(
    children: Mapping[str, Cell[Any] | Service], peers: frozenset[str]
) -> None:
    """Drain all children; those who take longer than their `drain_seconds` are cancelled.

    Actors named in `peers` do not depend on each other: neighbours among them are asked together
    and share the deadline of the most patient.
    """
    for batch in _batches(children, peers):
        deadline = trio.current_time() + max(child.spec.drain_seconds for child in batch)
        for child in batch:  # the busy ones work while the idle ones end
            if child.state is State.RUNNING or child.state is State.WAITING:
                child.command(Order.DRAIN)
        for number, child in enumerate(batch, start=1):
            if child.state is not State.ENDED:
                patience = max(0.0, deadline - trio.current_time())
                await child.finish(Order.DRAIN, patience)
            if not number % _ENDINGS_IN_A_ROW:
                await trio.lowlevel.checkpoint()


def _batches(
    children: Mapping[str, Cell[Any] | Service], peers: frozenset[str]
) -> Iterator[list[Cell[Any] | Service]]:
    batch: list[Cell[Any] | Service] = []
    for name, child in reversed(list(children.items())):
        if name in peers:
            batch.append(child)
            continue
        if batch:
            yield batch
            batch = []
        yield [child]
    if batch:
        yield batch


async def cancel_children(children: Mapping[str, Cell[Any] | Service]) -> None:
    """Cancel all children at once and return when they have ended."""
    left = list(children.values())[::-1]
    for child in left:
        child.command(Order.CANCEL)
    for child in left:
        await child.wait_ended()

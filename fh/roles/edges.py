"""Every Edge behind a port, for operators: that of this process, and those of its workers."""

from collections.abc import Sequence
from typing import Final

from fh.edge.census import Census, Wanted, united
from fh.edge.dismissal import Dismissal
from fh.edge.edge import Edge
from fh.edge.orders import Orders
from fh.roles.entrance import Entrance
from fh.roles.workers import Workers

_ANSWER_SECONDS: Final = 3.0


class EveryEdge:
    """All of them as one. With workers, this process has what TLS, HTTP/2 and WebSockets carry."""

    def __init__(self, edge: Edge, entrance: Entrance) -> None:
        self._edge = edge
        self._workers = entrance if isinstance(entrance, Workers) else None

    @property
    def orders(self) -> Orders:
        """What operators want of all of them; whoever changes it calls `obey`."""
        return self._edge.orders

    def obey(self) -> None:
        """Have all of them go by the orders."""
        self._edge.obey()
        if self._workers is not None:
            self._workers.order(self._edge.orders.standing())

    async def census(self, wanted: Wanted) -> tuple[Census, Sequence[str]]:
        """Return who has streams, and which workers did not say in time."""
        found = [await self._edge.census(wanted)]
        if self._workers is None:
            return found[0], ()
        answers = await self._workers.ask(
            lambda link: link.census(wanted), within_seconds=_ANSWER_SECONDS
        )
        found += [census for census in answers.values() if census is not None]
        return united(found), _silent(answers)

    async def dismiss(self, dismissal: Dismissal) -> tuple[int, Sequence[str]]:
        """Say goodbye to streams; return to how many, and which workers did not say in time."""
        streams = self._edge.dismiss(dismissal)
        if self._workers is None:
            return streams, ()
        answers = await self._workers.ask(
            lambda link: link.dismiss(dismissal), within_seconds=_ANSWER_SECONDS
        )
        streams += sum(count for count in answers.values() if count is not None)
        return streams, _silent(answers)


def _silent(answers: dict[int, Census | None] | dict[int, int | None]) -> Sequence[str]:
    return tuple(f"worker-{number}" for number, answer in answers.items() if answer is None)

"""The answer to strategies that break rules: 422 with all of them."""

from collections.abc import Awaitable, Callable

from fh.http.routing import BodyT, QueryT, Reply, Request
from fh.mr.access import Caller
from fh.mr.http.schemas.strategies import verdict_body
from fh.mr.strategy_rules import StrategiesRefused


def explained(
    handle: Callable[[Request[Caller, QueryT, BodyT]], Awaitable[object]],
) -> Callable[[Request[Caller, QueryT, BodyT]], Awaitable[object]]:
    """Return `handle` answering with the rules that strategies break, if they do."""

    async def answer(request: Request[Caller, QueryT, BodyT]) -> object:
        try:
            return await handle(request)
        except StrategiesRefused as refused:
            return Reply(verdict_body(refused.verdict), status=422)

    return answer

"""Whether a process lives, and whether it can do its work.

Liveness only reads what the parts know of themselves, so it never waits. Readiness may ask others
(a database); who serves it bounds the wait.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias

import msgspec
import structlog

from fh.errors import FeatureHubError
from fh.http.routing import AnyRoute, Reply, Request, Route

log = structlog.get_logger()

PROBE_PATHS = frozenset({"/", "/health/liveness", "/health/readiness", "/health/readyness"})
"""What `health_routes` serves: nothing that a stranger may not read."""

Check: TypeAlias = Callable[[], bool | str | Awaitable[bool | str]]
"""Returns whether all is well; a text says why not, and what to do, to whoever asks."""

_HEALTHY = 200
_SICK = 500


class HealthChecks:
    """Named checks, those of liveness apart from those of readiness."""

    def __init__(
        self,
        *,
        liveness: Mapping[str, Callable[[], bool]] | None = None,
        readiness: Mapping[str, Check] | None = None,
    ) -> None:
        self._liveness = dict(liveness or {})
        self._readiness = dict(readiness or {})
        self._held = ""

    def hold(self, reason: str) -> None:
        """Be alive and not ready from now on, whatever the checks say."""
        self._held = reason

    def release(self) -> None:
        """Go by the checks from now on."""
        self._held = ""

    def liveness(self) -> tuple[int, bytes]:
        """Return status and JSON body: 200 while every part lives, else 500."""
        checks = {} if self._held else self._liveness
        return _verdict({name: check() for name, check in checks.items()}, {})

    async def readiness(self) -> tuple[int, bytes]:
        """Return status and JSON body: 200 while every part can do its work, else 500.

        A check that raises a refusal counts as failed.
        """
        found: dict[str, bool] = {}
        reasons: dict[str, str] = {}
        for name, check in self._readiness.items():
            try:
                answer = check()
                told = answer if isinstance(answer, bool | str) else await answer
                found[name] = told is True
                if isinstance(told, str):
                    reasons[name] = told
            except FeatureHubError as refusal:
                log.debug("readiness_check_refused", check=name, reason=str(refusal))
                found[name] = False
        if self._held:
            found["process"], reasons["process"] = False, self._held
        return _verdict(found, reasons)


def _verdict(found: Mapping[str, bool], reasons: Mapping[str, str]) -> tuple[int, bytes]:
    told = {"checks": found, "reasons": reasons} if reasons else {"checks": found}
    return (_HEALTHY if all(found.values()) else _SICK), msgspec.json.encode(told)


def health_routes(checks: HealthChecks) -> Sequence[AnyRoute]:
    """Return the routes that orchestrators probe; one is FeatureHub's misspelling, still in use."""

    async def liveness(_: Request[None, None, None]) -> Reply:
        status, body = checks.liveness()
        return Reply(body, status=status)

    async def readiness(_: Request[None, None, None]) -> Reply:
        status, body = await checks.readiness()
        return Reply(body, status=status)

    return [
        *presence_routes(),
        _probe("/health/liveness", "liveness", liveness),
        _probe("/health/readiness", "readiness", readiness),
        _probe("/health/readyness", "readyness", readiness),
    ]


def presence_routes() -> Sequence[AnyRoute]:
    """Return the route that load balancers look for on every port, whoever else is behind it."""

    async def here(_: Request[None, None, None]) -> Reply:
        return Reply(b"featurehub is here", content_type="text/plain")

    return [_probe("/", "loadBalancerProbe", here)]


def _probe(
    path: str, name: str, handle: Callable[[Request[None, None, None]], Awaitable[Reply]]
) -> AnyRoute:
    return Route("GET", path, name, handle, tag="Operations", authenticated=False, stays=True)

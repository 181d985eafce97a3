"""The truth and the events, asked for over HTTP: of an MR, or of a Dacha that asks MR.

A 404 is a final no, so it is believed only with the mark that ours put into it, or of a server that
shows in the same moment that it has these routes: by 405 to a request that only they refuse. Others
answer 404 to everything: a Dacha of another make, or a proxy whose server is away for now.

Unavailable
└── TruthOutOfReach    no answer, or none that says yes or no
"""

from collections.abc import Callable, Mapping
from typing import TypeVar
from urllib.parse import quote
from uuid import UUID

import httpx2
import msgspec
import structlog
import trio

from fh.contracts.event_log import UNNUMBERED, Events, NoEventLog
from fh.contracts.published import CacheServiceAccount, PublishEnvironment
from fh.errors import Unavailable
from fh.http.truth_api import ABSENT, KEY_HEADER, AccountTruth, EnvironmentTruth
from fh.model.ids import EnvironmentId
from fh.model.sdk_key import SdkKey

log = structlog.get_logger()

T = TypeVar("T")

MOST_ANSWER_BYTES = 64 * 1024 * 1024

_FOUND = 200
_NOT_FOUND = 404
_FORBIDDEN = 403
_METHOD_NOT_ALLOWED = 405

_NO_ENVIRONMENT = UUID(int=0)
_ELSEWHERE = (
    "whoever is asked knows neither environments nor service accounts; point dacha.url.default at "
    "an fh dacha or an MR, management-repository.url at an MR; on its public port an MR tells them "
    "only where mr.dacha2.api-keys is set"
)
_COMPARE = (
    "dacha2.cache.api-key here has to be one of the keys there: of mr.dacha2.api-keys where an MR "
    "is asked, of fh.dacha.api-keys where an fh dacha is"
)
_KEY_REFUSED = f"the key that is shown was refused (403); {_COMPARE}"
_NO_KEY_SHOWN = f"no key is shown, and one is wanted (403); {_COMPARE}"


class TruthOutOfReach(Unavailable):
    """It could not be asked for; `reason` names no secret."""


class HttpTruth:
    """A `TruthSource` and `EventLog` at a base URL; a service, for it owns the connections.

    `position` returns the number of the newest event that is known here: no answer is older.

    Attributes:
        address: Whom it asks, for operators.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str = "",
        position: Callable[[], int] = lambda: UNNUMBERED,
        connect_seconds: float = 4.0,
        read_seconds: float = 4.0,
        connections: int = 20,
    ) -> None:
        self._position = position
        self._trouble: str | None = None
        self._shows_key = bool(key)
        self.address = _without_secrets(url)
        self._client = httpx2.AsyncClient(
            base_url=url.rstrip("/") + "/",
            headers={KEY_HEADER: key} if key else {},
            timeout=httpx2.Timeout(read_seconds, connect=connect_seconds),
            limits=httpx2.Limits(max_connections=connections),
            # What stands between two parts is configured by its URL, not by the surroundings.
            trust_env=False,
            follow_redirects=False,
        )

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep the connections until cancelled."""
        async with self._client:
            task_status.started()
            await trio.sleep_forever()

    async def load_environment(self, environment_id: EnvironmentId) -> PublishEnvironment | None:
        """Return a live, published environment with every live feature.

        Raises:
            TruthOutOfReach: there is no answer that says yes or no.
        """
        path = f"dacha2/environment/{environment_id}"
        found = await self._get(path, EnvironmentTruth, self._as_of())
        return None if found is None else found.environment

    async def load_account(self, secret: str) -> CacheServiceAccount | None:
        """Return the live account that either of its two secrets belongs to.

        Raises:
            TruthOutOfReach: there is no answer that says yes or no.
        """
        path = f"dacha2/serviceAccount/{quote(secret, safe='')}"
        found = await self._get(path, AccountTruth, self._as_of())
        return None if found is None else found.account

    async def look_again(self, key: SdkKey) -> None:
        """Have a Dacha ask MR about a key that has no permission as far as is known.

        Raises:
            TruthOutOfReach: there is no answer that says yes or no.
        """
        path = f"dacha2/serviceAccount/{quote(key.secret, safe='')}"
        environment = {"environmentId": str(key.environment_id)}
        await self._get(path, AccountTruth, {**self._as_of(), **environment})

    async def events_after(self, sequence: int) -> Events:
        """Return some or all of the events after `sequence`.

        Raises:
            NoEventLog: the server keeps no events.
            TruthOutOfReach: there is no answer.
        """
        found = await self._get("dacha2/events", Events, {"after": sequence})
        if found is None:
            raise NoEventLog("the server keeps no events")
        return found

    def is_truth(self) -> bool | str:
        """Return whether the right server lets us ask as far as is known; a text if not."""
        return self._trouble or True

    def _as_of(self) -> Mapping[str, int]:
        newest = self._position()
        return {"atLeast": newest} if newest > UNNUMBERED else {}

    async def _get(self, path: str, kind: type[T], query: Mapping[str, int | str]) -> T | None:
        try:
            async with self._client.stream("GET", path, params=dict(query)) as response:
                status = response.status_code
                is_absent = response.headers.get(ABSENT[0]) == ABSENT[1]
                found = (
                    msgspec.json.decode(await _bounded(response), type=kind)
                    if status == _FOUND
                    else None
                )
            if status not in {_FOUND, _NOT_FOUND}:
                raise self._refused(status)
            if found is None and not is_absent:
                await self._look_for_routes()
            self._note(None)
        except httpx2.HTTPError as error:
            # Its text may hold the path, and so a key.
            raise TruthOutOfReach(type(error).__name__) from None
        except (msgspec.DecodeError, UnicodeDecodeError):
            log.exception("truth_unreadable", kind=kind.__name__)
            raise TruthOutOfReach("the answer can't be read") from None
        return found

    async def _look_for_routes(self) -> None:
        """Return if the server has these routes, though it does not know what was asked.

        Raises:
            TruthOutOfReach: it has none, or does not show them.
        """
        response = await self._client.post(f"dacha2/environment/{_NO_ENVIRONMENT}")
        if response.status_code == _METHOD_NOT_ALLOWED:
            return
        if response.status_code == _NOT_FOUND:
            self._note(_ELSEWHERE)
            raise TruthOutOfReach(_ELSEWHERE)
        raise TruthOutOfReach("a 404 that may mean anything")

    def _note(self, trouble: str | None) -> None:
        """Tell operators when it begins and when it ends, not for each question."""
        if trouble == self._trouble:
            return
        self._trouble = trouble
        if trouble is None:
            log.info("truth_answers_again", address=self.address)
        elif trouble == _ELSEWHERE:
            log.error("truth_asked_of_the_wrong_server", address=self.address, hint=trouble)
        else:
            log.error("truth_refused_our_key", address=self.address, hint=trouble)

    def _refused(self, status: int) -> TruthOutOfReach:
        if status == _FORBIDDEN:
            self._note(_KEY_REFUSED if self._shows_key else _NO_KEY_SHOWN)
        return TruthOutOfReach(f"answered {status}")


def _without_secrets(url: str) -> str:
    """Return what operators may read of a URL: no name, no password."""
    parsed = httpx2.URL(url)
    host = f"[{parsed.host}]" if ":" in parsed.host else parsed.host
    port = "" if parsed.port is None else f":{parsed.port}"
    return f"{parsed.scheme}://{host}{port}{parsed.path.rstrip('/')}"


async def _bounded(response: httpx2.Response) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size <= MOST_ANSWER_BYTES:
            parts.append(part)
        else:
            # Read to its end, for the caller's patience has one, but not kept.
            parts.clear()
    if size > MOST_ANSWER_BYTES:
        raise TruthOutOfReach(f"the answer has more than {MOST_ANSWER_BYTES} bytes")
    return b"".join(parts)

"""What MR knows, for the caches: one environment, one service account, and what was announced.

MR serves it from the database, and a Dacha serves what it holds to the Edges behind it. `atLeast`
is the number of the newest event that the caller knows of: an answer from before it would be a step
back, so it is held until the server has come as far. `environmentId` is where an account has no
permission as far as the caller knows: a Dacha then asks MR before it says the same.

Source: sections 5.10 of the data plane's contract and 10.5 of the admin contract; events,
`atLeast` and `environmentId` are ours. A request without a key is refused where keys are
configured; upstream lets it pass.
"""

from collections.abc import Awaitable, Callable, Sequence
from hmac import compare_digest
from typing import Annotated, Final

import trio
from msgspec import Meta, Struct, field

from fh.contracts.event_log import EventLog, Events, NoEventLog
from fh.contracts.published import CacheServiceAccount, PublishEnvironment
from fh.contracts.truth import SecondLook, TruthSource
from fh.errors import Unavailable
from fh.http.problem import Problem
from fh.http.routing import AnyRoute, Request, Route
from fh.model.ids import EnvironmentId
from fh.model.sdk_key import SdkKey

KEY_HEADER = "key"

ABSENT: Final = ("fh-truth", "absent")
"""The header of a 404 that says no; any other may come from whoever stands in between."""

_TAG = "Dacha2Service"

_REACH_SECONDS = 2.0
_LARGEST_NUMBER = 2**63 - 1  # PostgreSQL's


class EnvironmentTruth(Struct, frozen=True):
    """A live, published environment with every live feature."""

    environment: PublishEnvironment = field(name="env")


class AccountTruth(Struct, frozen=True):
    """A live service account."""

    account: CacheServiceAccount = field(name="serviceAccount")


class AsOf(Struct, frozen=True):
    """How new an answer has to be."""

    at_least: Annotated[int, Meta(ge=0, le=_LARGEST_NUMBER)] = field(name="atLeast", default=0)


class AccountAsOf(AsOf, frozen=True):
    """How new an answer has to be, and for which environment a permission is missing there."""

    environment_id: EnvironmentId | None = field(name="environmentId", default=None)


class After(Struct, frozen=True):
    """From where on events are wanted; -1 is what has none yet."""

    after: Annotated[int, Meta(ge=-1, le=_LARGEST_NUMBER)]


class KeyCheck:
    """Refuses callers that show none of the keys of this server; without keys everybody may."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._accepted = [key.encode() for key in keys]

    def __call__(self, header: Callable[[str], str | None]) -> None:
        """Look at the header of a request.

        Raises:
            Problem: 403.
        """
        shown = (header(KEY_HEADER) or "").encode()
        if self._accepted and not any(compare_digest(shown, key) for key in self._accepted):
            raise Problem(403, "The header `key` does not hold a key of this server.")


def _absent(detail: str) -> Problem:
    return Problem(404, detail, headers=dict([ABSENT]))


async def _always_there(_: int) -> None:
    """MR itself is never behind what it announced."""


def truth_routes(
    source: TruthSource,
    event_log: EventLog,
    keys: Sequence[str],
    *,
    reach: Callable[[int], Awaitable[None]] = _always_there,
) -> Sequence[AnyRoute]:
    """Return the routes; a caller has to show one of `keys`, unless there are none.

    `reach` returns when the source contains every event up to a number.
    """
    check = KeyCheck(keys)

    async def prepare(header: Callable[[str], str | None], at_least: int) -> None:
        check(header)
        with trio.move_on_after(_REACH_SECONDS):
            await reach(at_least)
            return
        raise Unavailable("this server has not heard of that event yet")

    async def environment(request: Request[None, AsOf, None]) -> EnvironmentTruth:
        await prepare(request.header, request.query.at_least)
        found = await source.load_environment(EnvironmentId(request.uuid("environment_id")))
        if found is None:
            raise _absent("No such environment, or it is archived.")
        return EnvironmentTruth(found)

    async def account(request: Request[None, AccountAsOf, None]) -> AccountTruth:
        await prepare(request.header, request.query.at_least)
        secret, environment_id = request.text("secret"), request.query.environment_id
        if environment_id is not None and isinstance(source, SecondLook):
            await source.look_again(SdkKey(environment_id, secret))
        found = await source.load_account(secret)
        if found is None:
            raise _absent("No service account has this key.")
        return AccountTruth(found)

    async def events(request: Request[None, After, None]) -> Events:
        check(request.header)
        try:
            return await event_log.events_after(request.query.after)
        except NoEventLog:
            raise _absent("There is no log of events: MR is of another make.") from None

    return (
        Route(
            "GET",
            "/dacha2/environment/{environment_id:uuid}",
            "getEnvironmentForCaches",
            environment,
            tag=_TAG,
            query=AsOf,
            response=EnvironmentTruth,
            authenticated=False,
            stays=True,
        ),
        Route(
            "GET",
            "/dacha2/serviceAccount/{secret}",
            "getServiceAccountForCaches",
            account,
            tag=_TAG,
            query=AccountAsOf,
            response=AccountTruth,
            authenticated=False,
            stays=True,
        ),
        Route(
            "GET",
            "/dacha2/events",
            "getEventsForCaches",
            events,
            tag=_TAG,
            query=After,
            response=Events,
            authenticated=False,
            stays=True,
        ),
    )

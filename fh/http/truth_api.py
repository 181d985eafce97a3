"""What MR knows, for the caches: one environment, one service account.

MR serves it from the database, and a Dacha serves what it holds to the Edges behind it.

Source: sections 5.10 of the data plane's contract and 10.5 of the admin contract. A request
without a key is refused where keys are configured; upstream lets it pass.
"""

from collections.abc import Sequence
from hmac import compare_digest

from msgspec import Struct, field

from fh.contracts.published import CacheServiceAccount, PublishEnvironment
from fh.contracts.truth import TruthSource
from fh.http.problem import Problem
from fh.http.routing import AnyRoute, Request, Route
from fh.model.ids import EnvironmentId

KEY_HEADER = "key"

_TAG = "Dacha2Service"


class EnvironmentTruth(Struct, frozen=True):
    """A live, published environment with every live feature."""

    environment: PublishEnvironment = field(name="env")


class AccountTruth(Struct, frozen=True):
    """A live service account."""

    account: CacheServiceAccount = field(name="serviceAccount")


def truth_routes(source: TruthSource, keys: Sequence[str]) -> Sequence[AnyRoute]:
    """Return the routes; a caller has to show one of `keys`, unless there are none."""
    accepted = [key.encode() for key in keys]

    def check(request: Request[None, None, None]) -> None:
        shown = (request.header(KEY_HEADER) or "").encode()
        if accepted and not any(compare_digest(shown, key) for key in accepted):
            raise Problem(403, "The header `key` does not hold a key of this server.")

    async def environment(request: Request[None, None, None]) -> EnvironmentTruth:
        check(request)
        found = await source.load_environment(EnvironmentId(request.uuid("environment_id")))
        if found is None:
            raise Problem(404, "No such environment, or it is archived.")
        return EnvironmentTruth(found)

    async def account(request: Request[None, None, None]) -> AccountTruth:
        check(request)
        found = await source.load_account(request.text("secret"))
        if found is None:
            raise Problem(404, "No service account has this key.")
        return AccountTruth(found)

    return (
        Route(
            "GET",
            "/dacha2/environment/{environment_id:uuid}",
            "getEnvironment",
            environment,
            tag=_TAG,
            response=EnvironmentTruth,
            authenticated=False,
        ),
        Route(
            "GET",
            "/dacha2/serviceAccount/{secret}",
            "getServiceAccount",
            account,
            tag=_TAG,
            response=AccountTruth,
            authenticated=False,
        ),
    )

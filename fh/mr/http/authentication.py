"""Logging in and out, and turning a bearer token into a caller."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from fh.db.port import Database, Transaction
from fh.http.problem import Problem
from fh.http.routing import AnyRoute, Request, Route
from fh.mr.access import Caller
from fh.mr.errors import NotAuthenticated, NotFound
from fh.mr.http.client_address import client_address
from fh.mr.http.schemas.credentials import ProviderRedirect
from fh.mr.http.schemas.people import TokenizedPerson, UserCredentials, person_body
from fh.mr.repositories.access import SessionOwner
from fh.mr.services.authentication import Logins, identify, identify_owner, log_out
from fh.mr.settings import MrSettings, SessionLimits

TAG = "AuthService"

_PLEASE_LOGIN = "Please login."

WhoT = TypeVar("WhoT")


def authenticator(
    database: Database, limits: SessionLimits
) -> Callable[[str | None], Awaitable[Caller]]:
    """Return what tells callers by their bearer tokens."""
    return _authenticator(database, limits, identify)


def owner_authenticator(
    database: Database, limits: SessionLimits
) -> Callable[[str | None], Awaitable[SessionOwner]]:
    """Return the same for those who must change their password first, too."""
    return _authenticator(database, limits, identify_owner)


def _authenticator(
    database: Database,
    limits: SessionLimits,
    known: Callable[[Transaction, str, SessionLimits], Awaitable[WhoT]],
) -> Callable[[str | None], Awaitable[WhoT]]:
    async def authenticate(token: str | None) -> WhoT:
        if token is None:
            raise Problem(401, text=_PLEASE_LOGIN)
        try:
            return await database.transaction(lambda tx: known(tx, token, limits))
        except NotAuthenticated as refusal:
            # The one refusal whose body clients know: text, not JSON.
            raise Problem(401, text=_PLEASE_LOGIN) from refusal

    return authenticate


def routes(database: Database, logins: Logins, settings: MrSettings) -> Sequence[AnyRoute]:
    """Return the routes for logging in and out."""

    async def login(request: Request[None, None, UserCredentials]) -> TokenizedPerson:
        credentials = request.body
        address = client_address(request, settings.client_address_header)
        token, person = await logins.log_in(credentials.email, credentials.password, address)
        return TokenizedPerson(token, person_body(person))

    async def logout(request: Request[Caller, None, None]) -> None:
        token = request.token
        assert token is not None, "without one there would be no caller"
        await database.transaction(lambda tx: log_out(tx, token))

    async def login_url(_: Request[None, None, None]) -> ProviderRedirect:
        # None can be configured yet.
        raise NotFound("identity provider")

    return [
        Route(
            "POST",
            "/mr-api/login",
            "login",
            login,
            tag=TAG,
            body=UserCredentials,
            response=TokenizedPerson,
            authenticated=False,
        ),
        Route("GET", "/mr-api/logout", "logout", logout, tag=TAG, status=204),
        Route(
            "GET",
            "/mr-api/external-provider/{provider}",
            "getLoginUrlForProvider",
            login_url,
            tag=TAG,
            response=ProviderRedirect,
            authenticated=False,
        ),
    ]

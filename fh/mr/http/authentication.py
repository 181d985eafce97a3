"""Logging in and out, and turning a bearer token into a caller."""

from collections.abc import Awaitable, Callable, Sequence

from fh.db.port import Database
from fh.http.problem import Problem
from fh.http.routing import AnyRoute, Request, Route
from fh.mr.access import Caller
from fh.mr.errors import NotAuthenticated
from fh.mr.http.schemas.people import TokenizedPerson, UserCredentials, person_body
from fh.mr.services.authentication import Logins, identify, log_out

_TAG = "AuthService"
_PLEASE_LOGIN = "Please login."


def authenticator(database: Database) -> Callable[[str | None], Awaitable[Caller]]:
    """Return what tells callers by their bearer tokens."""

    async def authenticate(token: str | None) -> Caller:
        if token is None:
            raise Problem(401, text=_PLEASE_LOGIN)
        try:
            return await database.transaction(lambda tx: identify(tx, token))
        except NotAuthenticated as refusal:
            # The one refusal whose body clients know: text, not JSON.
            raise Problem(401, text=_PLEASE_LOGIN) from refusal

    return authenticate


def routes(database: Database, logins: Logins) -> Sequence[AnyRoute]:
    """Return the routes for logging in and out."""

    async def login(request: Request[None, None, UserCredentials]) -> TokenizedPerson:
        credentials = request.body
        token, person = await logins.log_in(
            credentials.email, credentials.password, request.address
        )
        return TokenizedPerson(token, person_body(person))

    async def logout(request: Request[Caller, None, None]) -> None:
        token = request.token
        assert token is not None, "without one there would be no caller"
        await database.transaction(lambda tx: log_out(tx, token))

    return [
        Route(
            "POST",
            "/mr-api/login",
            "login",
            login,
            tag=_TAG,
            body=UserCredentials,
            response=TokenizedPerson,
            authenticated=False,
        ),
        Route("GET", "/mr-api/logout", "logout", logout, tag=_TAG, status=204),
    ]

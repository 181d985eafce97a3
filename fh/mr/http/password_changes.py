"""Changing passwords: one's own, a temporary one, somebody else's."""

from collections.abc import Sequence

from fh.db.port import Database
from fh.http.routing import AnyRoute, Request, Route
from fh.model.ids import PersonId
from fh.mr.access import Caller
from fh.mr.http.authentication import TAG, owner_authenticator
from fh.mr.http.client_address import client_address
from fh.mr.http.schemas.credentials import PasswordReset, PasswordUpdate
from fh.mr.http.schemas.people import Person, TokenizedPerson, person_body
from fh.mr.repositories.access import SessionOwner
from fh.mr.services.password_changes import PasswordChanges
from fh.mr.settings import MrSettings


def routes(
    database: Database, changes: PasswordChanges, settings: MrSettings
) -> Sequence[AnyRoute]:
    """Return the routes about passwords."""

    async def replace(
        request: Request[SessionOwner, None, PasswordReset],
    ) -> TokenizedPerson:
        token, person = await changes.replace_temporary(
            request.caller, PersonId(request.uuid("id")), request.body.password
        )
        return TokenizedPerson(token, person_body(person))

    async def change(request: Request[Caller, None, PasswordUpdate]) -> Person:
        token = request.token
        assert token is not None, "without one there would be no caller"
        changed = await changes.change(
            request.caller,
            token,
            PersonId(request.uuid("id")),
            (request.body.old_password, request.body.new_password),
            client_address(request, settings.client_address_header),
        )
        return person_body(changed)

    async def reset(request: Request[Caller, None, PasswordReset]) -> Person:
        sent = request.body
        changed = await changes.reset(
            request.caller,
            PersonId(request.uuid("id")),
            sent.password,
            reactivate=sent.reactivate,
        )
        return person_body(changed)

    path = "/mr-api/authentication/{id:uuid}"
    return [
        Route(
            "PUT",
            f"{path}/replaceTempPassword",
            "replaceTempPassword",
            replace,
            tag=TAG,
            body=PasswordReset,
            response=TokenizedPerson,
            authenticate=owner_authenticator(database, settings.sessions),
        ),
        Route(
            "PUT",
            f"{path}/changePassword",
            "changePassword",
            change,
            tag=TAG,
            body=PasswordUpdate,
            response=Person,
        ),
        Route(
            "PUT",
            f"{path}/resetPassword",
            "resetPassword",
            reset,
            tag=TAG,
            body=PasswordReset,
            response=Person,
        ),
    ]

"""Registering with an admin's invitation."""

from collections.abc import Sequence

from fh.db.port import Database
from fh.http.routing import AnyRoute, Request, Route
from fh.mr.access import Caller
from fh.mr.http.authentication import TAG
from fh.mr.http.schemas.credentials import (
    PersonRegistrationDetails,
    RegistrationUrl,
    registration_url,
)
from fh.mr.http.schemas.people import Person, TokenizedPerson, person_body
from fh.mr.services.persons import PersonWithGroups
from fh.mr.services.registrations import (
    Registrant,
    Registrations,
    find_invited_person,
    renew_invitation,
)
from fh.mr.settings import MrSettings


def routes(
    database: Database, registrations: Registrations, settings: MrSettings
) -> Sequence[AnyRoute]:
    """Return the routes about invitations."""

    async def register(
        request: Request[None, None, PersonRegistrationDetails],
    ) -> TokenizedPerson:
        sent = request.body
        token, person = await registrations.register(
            Registrant(
                token=sent.registration_token,
                email=sent.email,
                name=sent.name,
                password=sent.password,
                repeated=sent.confirm_password,
            )
        )
        return TokenizedPerson(token, person_body(person))

    async def person_by_token(request: Request[None, None, None]) -> Person:
        token = request.text("token")
        found = await database.transaction(
            lambda tx: find_invited_person(tx, token), read_only=True
        )
        return person_body(PersonWithGroups(found))

    async def renew(request: Request[Caller, None, None]) -> RegistrationUrl:
        email = request.text("email")
        renewed = await database.transaction(lambda tx: renew_invitation(tx, request.caller, email))
        # Older clients look for the token in the address.
        url = registration_url(settings.register_url, renewed.token) or renewed.token
        return RegistrationUrl(renewed.person_id, renewed.token, url)

    return [
        Route(
            "POST",
            "/mr-api/authentication",
            "registerPerson",
            register,
            tag=TAG,
            body=PersonRegistrationDetails,
            response=TokenizedPerson,
            authenticated=False,
        ),
        Route(
            "GET",
            "/mr-api/authentication/{token}",
            "personByToken",
            person_by_token,
            tag=TAG,
            response=Person,
            authenticated=False,
        ),
        Route(
            "POST",
            "/mr-api/authentication/{email}/expiredTokenReset",
            "resetExpiredToken",
            renew,
            tag=TAG,
            response=RegistrationUrl,
        ),
    ]

"""Passwords and invitations on the wire."""

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct, field

from fh.model.ids import PersonId
from fh.mr.http.schemas.people import Email

NewPassword: TypeAlias = Annotated[str, Meta(max_length=100)]
"""Whether it is blank is looked at later, for that has statuses of its own."""

FirstPassword: TypeAlias = Annotated[str, Meta(max_length=40)]


class PersonRegistrationDetails(Struct, frozen=True, rename="camel"):
    """What somebody registers with."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    email: Email
    password: FirstPassword
    confirm_password: FirstPassword
    registration_token: Annotated[str, Meta(max_length=1000)]

    def __repr__(self) -> str:
        return f"PersonRegistrationDetails({self.email!r})"


class PasswordReset(Struct, frozen=True):
    """A new password, and whether it brings a deactivated person back."""

    password: NewPassword
    reactivate: bool = False

    def __repr__(self) -> str:
        return "PasswordReset(…)"


class PasswordUpdate(Struct, frozen=True, rename="camel"):
    """The password that is known, and the one to be."""

    old_password: NewPassword
    new_password: NewPassword

    def __repr__(self) -> str:
        return "PasswordUpdate(…)"


class RegistrationUrl(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """An invitation, or the token of a new admin service account."""

    person_id: PersonId
    token: str
    registration_url: str | None = None

    def __repr__(self) -> str:
        return f"RegistrationUrl({self.person_id})"


class ProviderRedirect(Struct, frozen=True, rename="camel"):
    """Where somebody logs in who uses an external identity provider."""

    redirect_url: str = field(default="")


def registration_url(template: str, token: str) -> str | None:
    """Return where somebody registers; None without a template."""
    return template.replace("%s", token) if template else None

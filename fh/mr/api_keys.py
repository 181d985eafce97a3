"""The secrets of service accounts.

Source: section 9.1 of the admin contract.
"""

import secrets
import string

from fh.model.ids import EnvironmentId
from fh.model.sdk_key import LONGEST_SECRET_CHARACTERS

SERVER_SECRET_CHARACTERS = 40
CLIENT_SECRET_CHARACTERS = (30, 20)
"""Before and after the star by which everyone recognises a client-evaluated key."""

_ALPHABET = string.ascii_letters + string.digits


def new_server_secret() -> str:
    """Return a secret for server-evaluated keys."""
    return random_text(SERVER_SECRET_CHARACTERS)


def new_client_secret() -> str:
    """Return a secret for client-evaluated keys."""
    before, after = CLIENT_SECRET_CHARACTERS
    return f"{random_text(before)}*{random_text(after)}"


def may_be_secret(text: str) -> bool:
    """Return whether a secret could look like that; the database can't even take all the rest."""
    return len(text) <= LONGEST_SECRET_CHARACTERS and text.isascii() and "\0" not in text


def sdk_url(environment_id: EnvironmentId, secret: str) -> str:
    """Return the full key that an SDK is given."""
    return f"{environment_id}/{secret}"


def random_text(characters: int) -> str:
    """Return unguessable letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(characters))

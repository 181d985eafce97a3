"""SDK keys as they stand in a path or a query: `{environment}/{secret}`.

The old form with a cache's name in front is accepted, and the name ignored.

Source: sections 1.1 to 1.3 and 3 of the data plane's contract.
"""

import re
from collections.abc import Sequence
from uuid import UUID

from fh.errors import FeatureHubError
from fh.model.ids import EnvironmentId
from fh.model.sdk_key import LONGEST_SECRET_CHARACTERS, SdkKey

_CANONICAL_UUID = re.compile("[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


class MalformedKey(FeatureHubError):
    """The text can't be an SDK key; it is not shown, for it may hold a secret."""

    def __init__(self, reason: str, *, in_environment: bool = False) -> None:
        super().__init__(reason)
        self.in_environment = in_environment


def parse_parts(parts: Sequence[str]) -> SdkKey:
    """Return the key of the path segments `[cache/]environment/secret`.

    Raises:
        MalformedKey: the segments are not two or three, the environment is not a UUID, or the
            secret is empty, too long, or holds what no secret holds.
    """
    match parts:
        case [environment, secret] | [_, environment, secret]:
            return SdkKey(_environment_id(environment), _secret(secret))
        case _:
            raise MalformedKey("expected {environmentId}/{key}")


def parse_key(text: str) -> SdkKey:
    """Return the key in `text`, the decoded value of a query's `apiKey`.

    Raises:
        MalformedKey: see `parse_parts`.
    """
    return parse_parts(text.split("/"))


def _environment_id(text: str) -> EnvironmentId:
    # UUID() also takes braces, hyphens anywhere and digits of other scripts; the contract does not.
    if _CANONICAL_UUID.fullmatch(text) is None:
        raise MalformedKey("the environment is not a UUID", in_environment=True)
    return EnvironmentId(UUID(text))


def _secret(text: str) -> str:
    if not 0 < len(text) <= LONGEST_SECRET_CHARACTERS or not text.isascii():
        raise MalformedKey("the secret is empty, too long or not ASCII")
    if not text.isprintable() or any(character in text for character in " ;,\"'"):
        raise MalformedKey("the secret holds a character that no secret holds")
    return text

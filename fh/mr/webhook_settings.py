"""What an environment's integrations may be set to.

Keys that nobody knows are kept: they belong to integrations of others.

Source: section 8.2 of the admin contract.
"""

import re
from collections.abc import Sequence
from typing import Final

from fh.mr.errors import Invalid
from fh.mr.sealed_settings import PLACEHOLDER, Settings, check_settings
from fh.mr.webhook_targets import Network, why_refused

ENDPOINT: Final = "webhook.features.endpoint"
HEADERS: Final = "webhook.features.headers."

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# What HTTP calls a field's value; of what is not ASCII, the part that is one byte a character.
_VALUE: Final = re.compile(r"[\t -~\xa0-\xff]*")
_DELETED: Final = ".deleted"
# Those of the connection are the sender's to set.
_OWN_HEADERS: Final = frozenset(
    {"connection", "content-length", "expect", "host", "te", "trailer", "transfer-encoding"}
    | {"upgrade"}
)


def check_webhook_settings(field: str, sent: Settings, allowed: Sequence[Network]) -> None:
    """Refuse settings that nothing could be sent with.

    Raises:
        Invalid: the endpoint is none, a header could not be sent, or they are out of bounds.
    """
    check_settings(field, sent)
    endpoint = sent.get(ENDPOINT, "")
    if endpoint not in {"", PLACEHOLDER} and (reason := why_refused(endpoint, allowed)):
        raise Invalid(f"{field}.{ENDPOINT}", reason)
    for key, value in sent.items():
        if not key.startswith(HEADERS) or key.endswith(_DELETED):
            continue
        name = key.removeprefix(HEADERS)
        if not _TOKEN.fullmatch(name) or name.lower() in _OWN_HEADERS:
            raise Invalid(f"{field}.{key}", "It is no header that can be set.")
        if not _VALUE.fullmatch(value):
            raise Invalid(f"{field}.{key}", "It holds a character that a header can't.")

"""Cross-origin requests: every origin may ask, because the bearer token is the only credential.

Source: section 0.3 item 12 of the admin contract; writes that are sent again, and when, are ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass

_METHODS = "GET, POST, PUT, DELETE, OPTIONS, HEAD"
_ALLOWED = (
    "baggage,if-none-match,etag,x-requested-with,authorization,content-type,accept-version,"
    "content-md5,csrf-token,x-ijt,cache-control,x-featurehub,idempotency-key"
)
_EXPOSED = "etag,cache-control,idempotency-replayed,retry-after"


@dataclass(frozen=True, slots=True)
class Cors:
    """What browsers are told beyond the fixed part; the lists are comma separated."""

    extra_allowed: str = ""
    extra_exposed: str = ""
    max_age_seconds: int = 86_400

    def preflight(self) -> Mapping[str, str]:
        """Return the headers that answer OPTIONS, beside those of every answer."""
        return {
            "Access-Control-Allow-Credentials": "true",
            "Access-Control-Allow-Methods": _METHODS,
            "Access-Control-Max-Age": str(self.max_age_seconds),
            "Access-Control-Allow-Headers": _joined(self.extra_allowed, _ALLOWED),
        }

    def answer(self) -> Mapping[str, str]:
        """Return the headers of every answer to a request that has an Origin."""
        return {
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Expose-Headers": _joined(_EXPOSED, self.extra_exposed),
        }


def _joined(first: str, second: str) -> str:
    return ",".join(part for part in (first.strip(), second.strip()) if part)

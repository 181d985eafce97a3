"""The root of every refusal that fh raises on purpose.

A refusal is named after what happened and carries fields; a bug is any other exception.

    FeatureHubError
    ├── config.ConfigurationFaults   the settings can't be used; every fault is listed
    ├── actors.errors…               the runtime refuses a message or gives a child up
    ├── Unavailable                  something needed is away for now: try again, never final
    │   ├── aio.IslandDown           the asyncio side is not running
    │   ├── bus…                     the bus is not connected
    │   └── db…                      the database is not there
    └── http.problem.Problem         an answer to an HTTP client with a status of its own
"""

from typing import ClassVar


class FeatureHubError(Exception):
    """Any refusal of fh.

    Attributes:
        told: What a client reads instead of its text, where that is for our own eyes.
    """

    told: ClassVar[str | None] = None


class Unavailable(FeatureHubError):
    """Something needed is away for now.

    It must never be shown to an SDK as final: polls answer 503, streams keep waiting.
    """

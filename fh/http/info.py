"""`/info/version`: which program this is. Clients find out from it where everything else is."""

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from msgspec import Struct

from fh.http.routing import AnyRoute, Request, Route

_UNKNOWN = "0.0.0"


class ApplicationVersionInfo(Struct, frozen=True):
    """Which program answers; clients find out from the name what else it can do."""

    name: str
    version: str


def info_routes(name: str) -> Sequence[AnyRoute]:
    """Return the route; `name` is that of the role, such as `party-server`."""
    info = ApplicationVersionInfo(name, installed_version())

    async def get_info_version(_: Request[None, None, None]) -> ApplicationVersionInfo:
        return info

    return [
        Route(
            "GET",
            "/info/version",
            "getInfoVersion",
            get_info_version,
            tag="InfoService",
            response=ApplicationVersionInfo,
            authenticated=False,
        ),
    ]


def installed_version() -> str:
    """Return the version of fh that was installed; a bare source tree has none."""
    try:
        return version("fh")
    except PackageNotFoundError:
        return _UNKNOWN

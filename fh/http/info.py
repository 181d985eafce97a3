"""`/info/version`: which program this is. Clients find out from it where everything else is."""

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from fh.http.routing import AnyRoute, Request, Route
from fh.mr.http.schemas.setup import ApplicationVersionInfo

_UNKNOWN = "0.0.0"


def routes(name: str) -> Sequence[AnyRoute]:
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

"""`/mr-api/testing/slack-testing`: where tests have Slack's messages sent.

Anybody may use it, so it is there only where an operator says so, for tests.
"""

from collections.abc import Sequence
from typing import Final

from fh.db.port import Database
from fh.http.routing import AnyRoute, Request, Route
from fh.mr.errors import Invalid
from fh.mr.http.schemas.system_config import SlackRedirect
from fh.mr.services.system_config import redirect_slack
from fh.mr.settings import MrSettings
from fh.mr.webhook_targets import parse_networks, why_refused

_EVERYWHERE: Final = parse_networks("0.0.0.0/0,::/0")


def routes(database: Database, settings: MrSettings) -> Sequence[AnyRoute]:
    """Return the route, or none."""

    async def redirect(request: Request[None, None, SlackRedirect]) -> dict[str, str]:
        url = request.body.url
        if url is not None and (reason := why_refused(url, _EVERYWHERE)):
            raise Invalid("slack-url", reason)
        await database.transaction(lambda tx: redirect_slack(tx, url))
        return {}

    if not settings.testing_api_enabled:
        return []
    return [
        Route(
            "POST",
            "/mr-api/testing/slack-testing",
            "redirectSlack",
            redirect,
            tag="TestingService",
            body=SlackRedirect,
            response=dict[str, str],
            authenticated=False,
        ),
    ]

"""`/mr-api/user-data/state/{appId}/hidden-environments`."""

from collections.abc import Sequence

from msgspec import Struct

from fh.db.port import Database
from fh.http.routing import AnyRoute, Reply, Request, Route
from fh.model.ids import ApplicationId, EnvironmentId
from fh.mr.access import Caller
from fh.mr.errors import Invalid
from fh.mr.repositories import hidden_environments as rows
from fh.mr.services.hidden_environments import load_hidden, save_hidden
from fh.mr.settings import MrSettings

_TAG = "UserStateService"
_PATH = "/mr-api/user-data/state/{app_id:uuid}/hidden-environments"


class HiddenEnvironments(Struct, frozen=True, rename="camel"):
    """The environments that somebody chose; in spite of its name, to be shown."""

    environment_ids: tuple[EnvironmentId, ...] | None = None
    none_selected: bool | None = None


def routes(database: Database, settings: MrSettings) -> Sequence[AnyRoute]:
    """Return the routes about what people look at."""

    async def get(request: Request[Caller, None, None]) -> HiddenEnvironments:
        application_id = ApplicationId(request.uuid("app_id"))
        found = await database.transaction(
            lambda tx: load_hidden(tx, request.caller, application_id), read_only=True
        )
        return HiddenEnvironments(tuple(found.environment_ids), found.none_selected)

    async def save(
        request: Request[Caller, None, HiddenEnvironments],
    ) -> HiddenEnvironments | Reply:
        application_id, body = ApplicationId(request.uuid("app_id")), request.body
        hidden = rows.HiddenEnvironments(body.environment_ids or (), bool(body.none_selected))
        try:
            await database.transaction(
                lambda tx: save_hidden(
                    tx, request.caller, application_id, hidden, settings.most_hidden_environments
                )
            )
        except Invalid as refused:
            # Clients show this text as it is.
            text = refused.reason.encode()
            return Reply(text, status=422, content_type="text/plain; charset=utf-8")
        return HiddenEnvironments(tuple(hidden.environment_ids), hidden.none_selected)

    return [
        Route("GET", _PATH, "getHiddenEnvironments", get, tag=_TAG, response=HiddenEnvironments),
        Route(
            "POST",
            _PATH,
            "saveHiddenEnvironments",
            save,
            tag=_TAG,
            body=HiddenEnvironments,
            response=HiddenEnvironments,
        ),
    ]

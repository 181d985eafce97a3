"""`/mr-api/system-api`: the settings of the whole site."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from fh.db.port import Database
from fh.http.routing import AnyRoute, Request, Route
from fh.mr.access import Caller
from fh.mr.http.schemas.system_config import (
    SystemConfigDecryptResult,
    SystemConfigs,
    UpdatedSystemConfigs,
    settings_body,
)
from fh.mr.sealed_text import SealedText
from fh.mr.services.stored_secrets import StoredSecrets
from fh.mr.services.system_config import (
    SentSetting,
    ShownSetting,
    find_secret,
    load_site_settings,
    save_site_settings,
)
from fh.mr.settings import MrSettings

_TAG = "SystemConfigService"


class SystemConfigQuery(Struct, frozen=True):
    """Which settings: those whose keys begin so."""

    filters: tuple[str, ...] = ()


class DecryptQuery(Struct, frozen=True, rename="camel"):
    """Which secret of a setting that is a map."""

    map_key: str | None = None


def routes(database: Database, settings: MrSettings, secrets: StoredSecrets) -> Sequence[AnyRoute]:
    """Return the routes about the settings of the site."""

    async def get(request: Request[Caller, SystemConfigQuery, None]) -> SystemConfigs:
        found = await database.transaction(
            lambda tx: load_site_settings(tx, request.caller, request.query.filters, settings),
            read_only=True,
        )
        return settings_body(found)

    async def save(request: Request[Caller, None, UpdatedSystemConfigs]) -> SystemConfigs:
        sent = [SentSetting(one.key, one.version, one.value) for one in request.body.configs]

        async def work(sealed: Mapping[str, SealedText]) -> Sequence[ShownSetting]:
            return await database.transaction(
                lambda tx: save_site_settings(tx, request.caller, sent, settings, sealed)
            )

        return settings_body(await secrets.sealing(work))

    async def decrypt(request: Request[Caller, DecryptQuery, None]) -> SystemConfigDecryptResult:
        key, map_key = request.text("key"), request.query.map_key
        found = await database.transaction(
            lambda tx: find_secret(tx, request.caller, key, map_key, settings), read_only=True
        )
        opened = await secrets.open_readable({} if found is None else {key: found})
        return SystemConfigDecryptResult(opened.get(key))

    return [
        Route(
            "GET",
            "/mr-api/system-api",
            "getSystemConfig",
            get,
            tag=_TAG,
            query=SystemConfigQuery,
            response=SystemConfigs,
        ),
        Route(
            "POST",
            "/mr-api/system-api",
            "createOrUpdateSystemConfigs",
            save,
            tag=_TAG,
            body=UpdatedSystemConfigs,
            response=SystemConfigs,
        ),
        Route(
            "GET",
            "/mr-api/system-api/{key}/decrypt",
            "decryptSystemConfig",
            decrypt,
            tag=_TAG,
            query=DecryptQuery,
            response=SystemConfigDecryptResult,
        ),
    ]

"""`/mr-api/application/{id}/environment` and `/mr-api/environment/{eid}`."""

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from fh.db.port import Database
from fh.http.routing import AnyRoute, Request, Route
from fh.model.ids import ApplicationId, EnvironmentId
from fh.mr.access import Caller
from fh.mr.http.schemas.environments import (
    CreateEnvironment,
    Environment,
    environment_body,
    new_environment,
)
from fh.mr.http.schemas.sorting import SortOrder, sorted_by_name
from fh.mr.services.environments import (
    EnvironmentParts,
    create_environment,
    delete_environment,
    find_environments,
    load_environment,
)
from fh.mr.services.stored_secrets import StoredSecrets
from fh.mr.settings import MrSettings

_TAG = "EnvironmentService"


class EnvironmentSortOrder(StrEnum):
    """By name, or in the order in which changes are promoted."""

    ASC = "ASC"
    DESC = "DESC"
    PRIORITY = "PRIORITY"


class FindEnvironmentsQuery(Struct, frozen=True, rename="camel"):
    """Which environments, in which order, with which parts."""

    filter: str | None = None
    order: EnvironmentSortOrder = EnvironmentSortOrder.PRIORITY
    include_acls: bool = False
    include_features: bool = False
    include_details: bool = False


class EnvironmentQuery(Struct, frozen=True, rename="camel"):
    """Which parts of one environment to fill."""

    include_acls: bool = False
    include_features: bool = False
    include_details: bool = False
    include_service_accounts: bool = False
    include_sdk_url: bool = False
    decrypt_webhook_details: bool = False


def routes(database: Database, settings: MrSettings, secrets: StoredSecrets) -> Sequence[AnyRoute]:
    """Return the routes about environments."""

    async def find(request: Request[Caller, FindEnvironmentsQuery, None]) -> list[Environment]:
        query, application_id = request.query, ApplicationId(request.uuid("id"))
        parts = EnvironmentParts(
            group_roles=query.include_acls,
            features=query.include_features,
            details=query.include_details,
        )
        found = await database.transaction(
            lambda tx: find_environments(tx, request.caller, application_id, query.filter, parts),
            read_only=True,
        )
        bodies = [environment_body(one, details=query.include_details) for one in found]
        if query.order is EnvironmentSortOrder.PRIORITY:
            return bodies
        return sorted_by_name(bodies, SortOrder(query.order))

    async def create(request: Request[Caller, None, CreateEnvironment]) -> Environment:
        new, application_id = new_environment(request.body), ApplicationId(request.uuid("id"))
        created = await database.transaction(
            lambda tx: create_environment(tx, request.caller, application_id, new)
        )
        return environment_body(created, details=True)

    async def get(request: Request[Caller, EnvironmentQuery, None]) -> Environment:
        query, environment_id = request.query, EnvironmentId(request.uuid("eid"))
        parts = EnvironmentParts(
            group_roles=query.include_acls,
            features=query.include_features,
            details=query.include_details,
            accounts=query.include_service_accounts,
            sdk_urls=query.include_sdk_url,
            secrets=(
                query.decrypt_webhook_details
                and query.include_details
                and settings.secrets_can_be_read
            ),
        )
        found = await database.transaction(
            lambda tx: load_environment(tx, request.caller, environment_id, parts), read_only=True
        )
        return environment_body(
            found,
            details=query.include_details,
            sdk_urls=query.include_sdk_url,
            opened=await secrets.open_readable(found.secrets),
        )

    async def delete(request: Request[Caller, None, None]) -> bool:
        environment_id = EnvironmentId(request.uuid("eid"))
        return await database.transaction(
            lambda tx: delete_environment(tx, request.caller, environment_id)
        )

    return [
        Route(
            "GET",
            "/mr-api/application/{id:uuid}/environment",
            "findEnvironments",
            find,
            tag=_TAG,
            query=FindEnvironmentsQuery,
            response=list[Environment],
        ),
        Route(
            "POST",
            "/mr-api/application/{id:uuid}/environment",
            "createEnvironmentOnApplication",
            create,
            tag=_TAG,
            body=CreateEnvironment,
            response=Environment,
        ),
        Route(
            "POST",
            "/mr-api/application/{id:uuid}/permissions",
            "createEnvironment",
            create,
            tag=_TAG,
            body=CreateEnvironment,
            response=Environment,
            deprecated=True,
        ),
        Route(
            "GET",
            "/mr-api/environment/{eid:uuid}",
            "getEnvironment",
            get,
            tag=_TAG,
            query=EnvironmentQuery,
            response=Environment,
        ),
        Route(
            "DELETE",
            "/mr-api/environment/{eid:uuid}",
            "deleteEnvironment",
            delete,
            tag=_TAG,
            response=bool,
        ),
    ]

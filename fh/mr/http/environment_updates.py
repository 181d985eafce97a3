"""Changing environments: three paths that are much the same, and their order."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from fh.db.port import Database
from fh.http.routing import AnyRoute, Request, Route
from fh.model.ids import ApplicationId, EnvironmentId
from fh.mr.access import Caller
from fh.mr.errors import Invalid
from fh.mr.http.schemas.environment_changes import (
    EnvironmentContent,
    PlacedEnvironment,
    UpdateEnvironment,
    UpdateEnvironmentV2,
    change_of_content,
    change_of_update,
)
from fh.mr.http.schemas.environments import Environment, environment_body
from fh.mr.promotion import Placed
from fh.mr.sealed_text import SealedText
from fh.mr.services.environment_changes import (
    EnvironmentChange,
    order_environments,
    update_environment,
)
from fh.mr.services.environments import EnvironmentDetails, EnvironmentParts
from fh.mr.services.stored_secrets import StoredSecrets
from fh.mr.settings import MrSettings

_TAG = "EnvironmentService"


class DetailsQuery(Struct, frozen=True, rename="camel"):
    """Whether to fill the details."""

    include_details: bool = False


class UpdateEnvironmentQuery(Struct, frozen=True, rename="camel"):
    """Which parts to fill."""

    include_acls: bool = False
    include_features: bool = False
    include_details: bool = False

    def parts(self) -> EnvironmentParts:
        """Return the parts."""
        return EnvironmentParts(self.include_acls, self.include_features, self.include_details)


def routes(database: Database, settings: MrSettings, secrets: StoredSecrets) -> Sequence[AnyRoute]:
    """Return the routes that change environments."""

    async def update(
        caller: Caller,
        environment_id: EnvironmentId,
        change: EnvironmentChange,
        parts: EnvironmentParts,
    ) -> Environment:
        async def work(sealed: Mapping[str, SealedText]) -> EnvironmentDetails:
            return await database.transaction(
                lambda tx: update_environment(
                    tx,
                    caller,
                    environment_id,
                    change,
                    parts,
                    sealed=sealed,
                    allowed=settings.webhook_networks,
                )
            )

        return environment_body(await secrets.sealing(work), details=parts.details)

    async def update_in_application(
        request: Request[Caller, DetailsQuery, UpdateEnvironmentV2],
    ) -> Environment:
        application_id = ApplicationId(request.uuid("id"))
        change = change_of_update(request.body, application_id=application_id)
        parts = EnvironmentParts(details=request.query.include_details)
        return await update(request.caller, request.body.id, change, parts)

    async def update_content(
        request: Request[Caller, UpdateEnvironmentQuery, EnvironmentContent],
    ) -> Environment:
        environment_id = EnvironmentId(request.uuid("eid"))
        if request.body.id != environment_id:
            raise Invalid("id", "It is not the environment in the path.")
        change = change_of_content(request.body)
        return await update(request.caller, environment_id, change, request.query.parts())

    async def update_v2(
        request: Request[Caller, UpdateEnvironmentQuery, UpdateEnvironment],
    ) -> Environment:
        environment_id = EnvironmentId(request.uuid("eid"))
        change = change_of_update(request.body)
        return await update(request.caller, environment_id, change, request.query.parts())

    async def order(
        request: Request[Caller, None, tuple[PlacedEnvironment, ...]],
    ) -> list[Environment]:
        application_id = ApplicationId(request.uuid("id"))
        wanted = [Placed(one.id, one.version, one.prior_environment_id) for one in request.body]
        ordered = await database.transaction(
            lambda tx: order_environments(tx, request.caller, application_id, wanted)
        )
        return [environment_body(EnvironmentDetails(one)) for one in ordered]

    return [
        Route(
            "PUT",
            "/mr-api/application/{id:uuid}/environment",
            "updateEnvironmentOnApplication",
            update_in_application,
            tag=_TAG,
            query=DetailsQuery,
            body=UpdateEnvironmentV2,
            carries_much=True,
            response=Environment,
        ),
        Route(
            "POST",
            "/mr-api/application/{id:uuid}/environment-ordering",
            "environmentOrdering",
            order,
            tag=_TAG,
            body=tuple[PlacedEnvironment, ...],
            response=list[Environment],
        ),
        Route(
            "PUT",
            "/mr-api/environment/{eid:uuid}",
            "updateEnvironment",
            update_content,
            tag=_TAG,
            query=UpdateEnvironmentQuery,
            body=EnvironmentContent,
            carries_much=True,
            response=Environment,
            deprecated=True,
        ),
        Route(
            "PUT",
            "/mr-api/environment/{eid:uuid}/v2",
            "updateEnvironmentV2",
            update_v2,
            tag="Environment2Service",
            query=UpdateEnvironmentQuery,
            body=UpdateEnvironment,
            carries_much=True,
            response=Environment,
            deprecated=True,
        ),
    ]

"""`/mr-api/features/{eid}` and `/mr-api/application/{id}/feature-environments/{key}`."""

from collections.abc import Mapping, Sequence
from typing import Final

from fh.db.port import Database
from fh.errors import FeatureHubError
from fh.http.problem import Problem
from fh.http.routing import AnyRoute, Request, Route
from fh.model.ids import ApplicationId, EnvironmentId
from fh.mr.access import Caller
from fh.mr.errors import DuplicateItems, Forbidden, Invalid, Locked, VersionConflict
from fh.mr.http.schemas.feature_values import (
    EnvironmentFeaturesResult,
    FeatureEnvironment,
    FeatureValue,
    FeatureValueContent,
    feature_environment_body,
    sent_value,
    value_body,
    values_body,
)
from fh.mr.http.schemas.strategies import RolloutStrategyValidationResponse
from fh.mr.http.strategy_refusals import explained
from fh.mr.services.feature_environments import (
    load_values_everywhere,
    save_values_everywhere,
)
from fh.mr.services.feature_values import (
    load_value,
    load_values,
    save_value,
    save_values,
)
from fh.mr.services.value_writes import SentValue
from fh.mr.settings import MrSettings

_TAG = "EnvironmentFeatureService"
_EVERYWHERE_TAG = "FeatureService"

_WRITING: Final[Mapping[type[FeatureHubError], int]] = {VersionConflict: 409}
# What the admin UI's only write answers differs; the UI tells people accordingly.
_WRITING_EVERYWHERE: Final[Mapping[type[FeatureHubError], int]] = {
    VersionConflict: 409,
    Forbidden: 400,
    Locked: 400,
}


def routes(database: Database, settings: MrSettings) -> Sequence[AnyRoute]:  # noqa: ARG001 -- all tables are made alike
    """Return the routes about feature values."""

    async def load_all(request: Request[Caller, None, None]) -> EnvironmentFeaturesResult:
        environment_id = EnvironmentId(request.uuid("eid"))
        found = await database.transaction(
            lambda tx: load_values(tx, request.caller, environment_id), read_only=True
        )
        return values_body(found)

    async def save_all(
        request: Request[Caller, None, tuple[FeatureValueContent, ...]],
    ) -> list[FeatureValue]:
        environment_id = EnvironmentId(request.uuid("eid"))
        sent = [(body.key, _sent(body)) for body in request.body]
        saved = await database.transaction(
            lambda tx: save_values(tx, request.caller, environment_id, sent)
        )
        return [value_body(value) for value in saved.values]

    async def get(request: Request[Caller, None, None]) -> FeatureValue:
        environment_id, key = EnvironmentId(request.uuid("eid")), request.text("key")
        value = await database.transaction(
            lambda tx: load_value(tx, request.caller, environment_id, key), read_only=True
        )
        return value_body(value, author=False)

    async def save(request: Request[Caller, None, FeatureValueContent]) -> FeatureValue:
        environment_id, key = EnvironmentId(request.uuid("eid")), request.text("key")
        sent = _sent(request.body)
        value = await database.transaction(
            lambda tx: save_value(tx, request.caller, environment_id, key, sent)
        )
        return value_body(value)

    async def delete(request: Request[Caller, None, None]) -> None:
        raise Problem(400, f"Values can't be deleted, not {request.text('key')}'s either.")

    async def load_everywhere(request: Request[Caller, None, None]) -> list[FeatureEnvironment]:
        application_id, key = ApplicationId(request.uuid("id")), request.text("key")
        found = await database.transaction(
            lambda tx: load_values_everywhere(tx, request.caller, application_id, key),
            read_only=True,
        )
        return [feature_environment_body(one) for one in found]

    async def save_everywhere(
        request: Request[Caller, None, tuple[FeatureValueContent, ...]],
    ) -> list[FeatureEnvironment]:
        application_id, key = ApplicationId(request.uuid("id")), request.text("key")
        places = [_place(index, body, key) for index, body in enumerate(request.body)]
        sent = list(zip(places, map(_sent, request.body), strict=True))
        saved = await database.transaction(
            lambda tx: save_values_everywhere(tx, request.caller, application_id, key, sent)
        )
        return [feature_environment_body(one) for one in saved]

    value_path = "/mr-api/features/{eid:uuid}/feature/{key}"
    everywhere_path = "/mr-api/application/{id:uuid}/feature-environments/{key}"
    return [
        Route(
            "GET",
            "/mr-api/features/{eid:uuid}",
            "getFeaturesForEnvironment",
            load_all,
            tag=_TAG,
            response=EnvironmentFeaturesResult,
        ),
        Route(
            "PUT",
            "/mr-api/features/{eid:uuid}",
            "updateAllFeaturesForEnvironment",
            explained(save_all),
            tag=_TAG,
            body=tuple[FeatureValueContent, ...],
            carries_much=True,
            response=list[FeatureValue],
            refusals=_WRITING,
            answers={422: RolloutStrategyValidationResponse},
        ),
        Route(
            "GET",
            value_path,
            "getFeatureForEnvironment",
            get,
            tag=_TAG,
            response=FeatureValue,
        ),
        Route(
            "PUT",
            value_path,
            "updateFeatureForEnvironment",
            explained(save),
            tag=_TAG,
            body=FeatureValueContent,
            carries_much=True,
            response=FeatureValue,
            refusals=_WRITING,
            answers={422: RolloutStrategyValidationResponse},
        ),
        Route(
            "POST",
            value_path,
            "createFeatureForEnvironment",
            explained(save),
            tag=_TAG,
            body=FeatureValueContent,
            carries_much=True,
            response=FeatureValue,
            refusals=_WRITING,
            answers={422: RolloutStrategyValidationResponse},
        ),
        Route(
            "DELETE",
            value_path,
            "deleteFeatureForEnvironment",
            delete,
            tag=_TAG,
        ),
        Route(
            "GET",
            everywhere_path,
            "getAllFeatureValuesByApplicationForKey",
            load_everywhere,
            tag=_EVERYWHERE_TAG,
            response=list[FeatureEnvironment],
        ),
        Route(
            "PUT",
            everywhere_path,
            "updateAllFeatureValuesByApplicationForKey",
            explained(save_everywhere),
            tag=_EVERYWHERE_TAG,
            body=tuple[FeatureValueContent, ...],
            carries_much=True,
            response=list[FeatureEnvironment],
            refusals=_WRITING_EVERYWHERE,
            answers={422: RolloutStrategyValidationResponse},
        ),
    ]


def _place(index: int, body: FeatureValueContent, key: str) -> EnvironmentId:
    if body.key != key:  # perhaps what was read before somebody gave the feature another key
        raise Invalid(f"[{index}].key", f"All values are of the feature {key}.")
    if body.environment_id is None:
        raise Invalid(f"[{index}].environmentId", "Each value needs its environment.")
    return body.environment_id


def _sent(body: FeatureValueContent) -> SentValue:
    instances = body.rollout_strategy_instances or ()
    attached = [one.strategy_id for one in instances if one.strategy_id is not None]
    if len(set(attached)) < len(attached):
        raise DuplicateItems("rolloutStrategyInstances")
    return sent_value(body)

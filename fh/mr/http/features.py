"""`/mr-api/application/{id}/features`."""

from collections.abc import Sequence

from msgspec import Struct

from fh.db.port import Database, Transaction
from fh.http.routing import AnyRoute, Request, Route
from fh.model.ids import ApplicationId
from fh.mr.access import Caller
from fh.mr.http.schemas.features import (
    CreateFeature,
    Feature,
    FeatureBatch,
    FeatureContent,
    feature_body,
    feature_change,
    new_feature,
)
from fh.mr.repositories import features as rows
from fh.mr.services.features import (
    create_feature,
    create_features,
    delete_feature,
    load_feature,
    load_features,
    load_filters,
    update_feature,
)
from fh.mr.settings import MrSettings

_TAG = "FeatureService"


class FeatureQuery(Struct, frozen=True, rename="camel"):
    """Whether to show metadata."""

    include_meta_data: bool = False


class OneFeatureQuery(Struct, frozen=True, rename="camel"):
    """Whether to show metadata, and the filters that the feature carries."""

    include_meta_data: bool = False
    include_filters: bool = False


def routes(database: Database, settings: MrSettings) -> Sequence[AnyRoute]:  # noqa: ARG001 -- all tables are made alike
    """Return the routes about features."""

    async def load_all(request: Request[Caller, FeatureQuery, None]) -> list[Feature]:
        application_id = ApplicationId(request.uuid("id"))
        found = await database.transaction(
            lambda tx: load_features(tx, request.caller, application_id), read_only=True
        )
        return _bodies(found, request.query)

    async def create(request: Request[Caller, FeatureQuery, CreateFeature]) -> list[Feature]:
        application_id, new = ApplicationId(request.uuid("id")), new_feature(request.body)
        features = await database.transaction(
            lambda tx: create_feature(tx, request.caller, application_id, new)
        )
        return _bodies(features, request.query)

    async def create_many(
        request: Request[Caller, FeatureQuery, FeatureBatch],
    ) -> list[Feature]:
        application_id = ApplicationId(request.uuid("id"))
        new = [new_feature(one) for one in request.body]
        features = await database.transaction(
            lambda tx: create_features(tx, request.caller, application_id, new)
        )
        return _bodies(features, request.query)

    async def update(request: Request[Caller, FeatureQuery, FeatureContent]) -> list[Feature]:
        return await save(request, request.body.key or "")

    async def get(request: Request[Caller, OneFeatureQuery, None]) -> Feature:
        application_id, key = ApplicationId(request.uuid("id")), request.text("key")
        query = request.query

        async def work(tx: Transaction) -> Feature:
            feature = await load_feature(tx, request.caller, application_id, key)
            filters = await load_filters(tx, feature) if query.include_filters else ()
            return feature_body(feature, meta_data=query.include_meta_data, filters=filters)

        return await database.transaction(work, read_only=True)

    async def update_by_key(
        request: Request[Caller, FeatureQuery, FeatureContent],
    ) -> list[Feature]:
        return await save(request, request.text("key"))

    async def save(
        request: Request[Caller, FeatureQuery, FeatureContent], key: str
    ) -> list[Feature]:
        application_id, change = ApplicationId(request.uuid("id")), feature_change(request.body)
        features = await database.transaction(
            lambda tx: update_feature(tx, request.caller, application_id, key, change)
        )
        return _bodies(features, request.query)

    async def delete(request: Request[Caller, FeatureQuery, None]) -> list[Feature]:
        application_id, key = ApplicationId(request.uuid("id")), request.text("key")
        features = await database.transaction(
            lambda tx: delete_feature(tx, request.caller, application_id, key)
        )
        return _bodies(features, request.query)

    return [
        Route(
            "GET",
            "/mr-api/application/{id:uuid}/features",
            "getAllFeaturesForApplication",
            load_all,
            tag=_TAG,
            query=FeatureQuery,
            response=list[Feature],
        ),
        Route(
            "POST",
            "/mr-api/application/{id:uuid}/features",
            "createFeaturesForApplication",
            create,
            tag=_TAG,
            query=FeatureQuery,
            body=CreateFeature,
            response=list[Feature],
        ),
        Route(
            "POST",
            "/mr-api/application/{id:uuid}/features/batch",
            "createFeatureBatch",
            create_many,
            tag=_TAG,
            query=FeatureQuery,
            body=FeatureBatch,
            carries_much=True,
            response=list[Feature],
        ),
        Route(
            "PUT",
            "/mr-api/application/{id:uuid}/features",
            "updateFeatureForApplicationOnFeature",
            update,
            tag=_TAG,
            query=FeatureQuery,
            body=FeatureContent,
            carries_much=True,
            response=list[Feature],
        ),
        Route(
            "GET",
            "/mr-api/application/{id:uuid}/features/{key}",
            "getFeatureByKey",
            get,
            tag=_TAG,
            query=OneFeatureQuery,
            response=Feature,
        ),
        Route(
            "PUT",
            "/mr-api/application/{id:uuid}/features/{key}",
            "updateFeatureForApplication",
            update_by_key,
            tag=_TAG,
            query=FeatureQuery,
            body=FeatureContent,
            carries_much=True,
            response=list[Feature],
        ),
        Route(
            "DELETE",
            "/mr-api/application/{id:uuid}/features/{key}",
            "deleteFeatureForApplication",
            delete,
            tag=_TAG,
            query=FeatureQuery,
            response=list[Feature],
        ),
    ]


def _bodies(features: Sequence[rows.Feature], query: FeatureQuery) -> list[Feature]:
    return [feature_body(feature, meta_data=query.include_meta_data) for feature in features]

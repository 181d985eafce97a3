"""What an Edge of another make asks a Dacha: one key, one permission, one environment's place.

Ours follow the bus themselves and ask for the truth (`fh.http.truth_api`); these routes are
upstream's.

Source: sections 5.1, 5.2 and 0.4 of the data plane's contract.
"""

from collections.abc import Mapping, Sequence
from typing import Any, assert_never
from uuid import UUID

from msgspec import Struct, field

from fh.contracts.answers import Denied, Granted, KeyLookup, NotReady
from fh.contracts.published import CacheEnvironmentFeature
from fh.contracts.truth import TruthSource
from fh.errors import Unavailable
from fh.http.problem import Problem
from fh.http.routing import AnyRoute, Request, Route
from fh.http.truth_api import KeyCheck
from fh.model.ids import EnvironmentId
from fh.model.sdk_key import SdkKey

_TAG = "DachaApiKeyService"


class KeyDetails(Struct, frozen=True):
    """What a key may see (`DachaKeyDetailsResponse`)."""

    etag: str
    organisation_id: UUID = field(name="oId")
    portfolio_id: UUID = field(name="pId")
    application_id: UUID = field(name="aId")
    account_id: UUID = field(name="sId")
    environment_info: Mapping[str, str] = field(name="eInf")
    extended_data: bool = field(name="ed")
    features: tuple[CacheEnvironmentFeature, ...]


class KeyPermission(Struct, frozen=True):
    """What a key may do with one feature (`DachaPermissionResponse`)."""

    organisation_id: UUID = field(name="oId")
    portfolio_id: UUID = field(name="pId")
    application_id: UUID = field(name="aId")
    account_id: UUID = field(name="sId")
    environment_info: Mapping[str, str] = field(name="eInf")
    roles: tuple[str, ...]
    feature: CacheEnvironmentFeature


class Place(Struct, frozen=True):
    """Where an environment belongs (`DachaStructureResponse`)."""

    organisation_id: UUID = field(name="oId")
    portfolio_id: UUID = field(name="pId")
    application_id: UUID = field(name="aId")


class Visibility(Struct, frozen=True):
    """Whether retired features are left out."""

    exclude_retired: bool = field(name="excludeRetired", default=False)


def key_routes(lookup: KeyLookup, keys: Sequence[str]) -> Sequence[AnyRoute]:
    """Return the routes; a caller has to show one of `keys`, unless there are none."""
    check = KeyCheck(keys)

    # Whatever else the request holds: the query belongs to one of the two routes.
    async def granted(request: Request[None, Any, None]) -> Granted:
        check(request.header)
        environment_id = EnvironmentId(request.uuid("environment_id"))
        answer = await lookup.load_key(SdkKey(environment_id, request.text("secret")))
        match answer:
            case Granted():
                return answer
            case Denied():
                raise Problem(404, "No such key, or it may do nothing in that environment.")
            case NotReady(reason):
                raise Unavailable(reason)
            case _:
                assert_never(answer)

    async def details(request: Request[None, Visibility, None]) -> KeyDetails:
        view = await granted(request)
        features = view.features
        if request.query.exclude_retired:
            features = tuple(each for each in features if not (each.value and each.value.retired))
        return KeyDetails(
            etag=view.etag,
            organisation_id=view.organisation_id,
            portfolio_id=view.portfolio_id,
            application_id=view.application_id,
            account_id=view.account_id,
            environment_info=dict(view.environment_info),
            extended_data=view.extended_data,
            features=features,
        )

    async def permission(request: Request[None, None, None]) -> KeyPermission:
        view = await granted(request)
        key = request.text("feature_key")
        found = next((each for each in view.features if each.feature.key == key), None)
        if found is None:
            raise Problem(404, "No such feature, or the key does not see it.")
        return KeyPermission(
            organisation_id=view.organisation_id,
            portfolio_id=view.portfolio_id,
            application_id=view.application_id,
            account_id=view.account_id,
            environment_info=dict(view.environment_info),
            roles=tuple(sorted(view.roles)),
            feature=found,
        )

    return (
        Route(
            "GET",
            "/v2/environment/{environment_id:uuid}/{secret}",
            "getApiKeyDetails",
            details,
            tag=_TAG,
            query=Visibility,
            response=KeyDetails,
            authenticated=False,
        ),
        Route(
            "GET",
            "/v2/environment/{environment_id:uuid}/{secret}/permissions/{feature_key}",
            "getApiKeyPermissions",
            permission,
            tag=_TAG,
            response=KeyPermission,
            authenticated=False,
        ),
    )


def place_routes(source: TruthSource, keys: Sequence[str]) -> Sequence[AnyRoute]:
    """Return the route that tells where an environment belongs."""
    check = KeyCheck(keys)

    async def structure(request: Request[None, None, None]) -> Place:
        check(request.header)
        found = await source.load_environment(EnvironmentId(request.uuid("environment_id")))
        if found is None:
            raise Problem(404, "No such environment.")
        return Place(found.organisation_id, found.portfolio_id, found.application_id)

    return (
        Route(
            "GET",
            "/v2/environment/{environment_id:uuid}/structure",
            "getEnvironmentStructure",
            structure,
            tag=_TAG,
            response=Place,
            authenticated=False,
        ),
    )

"""The dashboard on the wire."""

from msgspec import Struct, field

from fh.model.ids import ApplicationId, EnvironmentId
from fh.model.roles import Role
from fh.mr.http.schemas.feature_values import FeatureValue, value_body
from fh.mr.http.schemas.features import Feature, feature_body
from fh.mr.services.dashboard import Dashboard


def _none() -> tuple[()]:
    # A factory, not a default: omit_defaults would leave an empty array out.
    return ()


class EnvironmentFeatureValues(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """The values in one environment; none of them where the caller has no role."""

    environment_id: EnvironmentId
    environment_name: str
    prior_environment_id: EnvironmentId | None = None
    features: tuple[FeatureValue, ...] = field(default_factory=_none)
    roles: tuple[Role, ...] = field(default_factory=_none)


class ApplicationFeatureValues(Struct, frozen=True, rename="camel"):
    """A page of features with their values; `max_features` is how many there are in all."""

    application_id: ApplicationId
    features: tuple[Feature, ...]
    environments: tuple[EnvironmentFeatureValues, ...]
    max_features: int


def dashboard_body(application_id: ApplicationId, found: Dashboard) -> ApplicationFeatureValues:
    """Return a page of the dashboard."""
    return ApplicationFeatureValues(
        application_id=application_id,
        features=tuple(feature_body(feature) for feature in found.features),
        environments=tuple(
            EnvironmentFeatureValues(
                environment_id=one.environment.id,
                environment_name=one.environment.name,
                prior_environment_id=one.environment.prior_id,
                features=tuple(value_body(value, author=False) for value in one.values),
                roles=tuple(role for role in Role if role in one.roles),
            )
            for one in found.environments
        ),
        max_features=found.total,
    )

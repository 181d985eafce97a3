"""The admin API as one web application: all route tables, behind one way to authenticate."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry
from quart_trio import QuartTrio

from fh.db.port import Database
from fh.http.info import info_routes
from fh.http.metrics import HttpMetrics
from fh.http.openapi import openapi_document, openapi_routes
from fh.http.quart_app import Face, create_app
from fh.http.routing import AnyRoute, below
from fh.mr.errors import REFUSALS
from fh.mr.group_publishing import publishing
from fh.mr.http import (
    application_overview,
    application_strategies,
    application_updates,
    applications,
    authentication,
    cache_refresh,
    dashboard,
    environment_updates,
    environments,
    feature_filters,
    feature_groups,
    feature_history,
    feature_values,
    features,
    group_changes,
    groups,
    hidden_environments,
    memberships,
    password_changes,
    persons,
    portfolios,
    registrations,
    service_accounts,
    setup,
    slack_testing,
    system_config,
    webhooks,
)
from fh.mr.http.contract import mr_contract
from fh.mr.idempotency import DatabaseAnswers, ReservingDatabase
from fh.mr.services.authentication import Logins
from fh.mr.services.login_limits import AttemptLimits
from fh.mr.services.password_changes import PasswordChanges
from fh.mr.services.passwords import Passwords
from fh.mr.services.registrations import Registrations
from fh.mr.services.stored_secrets import StoredSecrets
from fh.mr.settings import MrSettings


def mr_routes(database: Database, settings: MrSettings) -> list[AnyRoute]:
    """Return all operations of the admin API."""
    passwords = Passwords(settings.password_memory_kib, settings.password_passes)
    limits = AttemptLimits(settings)
    secrets = StoredSecrets(settings.secrets_password)
    tables = (
        setup.routes(database, settings, passwords),
        authentication.routes(database, Logins(database, passwords, limits, settings), settings),
        registrations.routes(database, Registrations(database, passwords, settings), settings),
        password_changes.routes(database, PasswordChanges(database, passwords, limits), settings),
        persons.routes(database, settings),
        portfolios.routes(database, settings),
        groups.routes(database, settings),
        group_changes.routes(database, settings),
        memberships.routes(database, settings),
        applications.routes(database, settings),
        application_strategies.routes(database, settings),
        application_updates.routes(database, settings),
        application_overview.routes(database, settings),
        environments.routes(database, settings, secrets),
        environment_updates.routes(database, settings, secrets),
        features.routes(database, settings),
        feature_values.routes(database, settings),
        feature_filters.routes(database, settings),
        feature_groups.routes(database, settings),
        dashboard.routes(database, settings),
        feature_history.routes(database, settings),
        hidden_environments.routes(database, settings),
        webhooks.routes(database, settings),
        system_config.routes(database, settings, secrets),
        cache_refresh.routes(database, settings),
        slack_testing.routes(database, settings),
        service_accounts.routes(database, settings),
    )
    return [route for table in tables for route in table]


def create_mr_app(
    database: Database,
    settings: MrSettings,
    *,
    registry: CollectorRegistry,
    name: str,
    more: Sequence[AnyRoute] = (),
) -> QuartTrio:
    """Return the web application of MR.

    `registry` takes the counters and is what `/metrics` shows, `name` is the role's, as
    `/info/version` tells it to clients, and `more` are routes besides: probes and metrics, say.
    """
    changed = ReservingDatabase(publishing(database, groups=settings.publishes_groups))
    told = [*mr_routes(changed, settings), *info_routes(name)]
    contract = mr_contract(settings.root)
    described = openapi_routes(lambda: openapi_document(told, contract))
    routes = below(settings.root, [*told, *described, *more])
    return create_app(
        Face(
            routes=routes,
            authenticate=authentication.authenticator(database, settings.sessions),
            refusals=REFUSALS,
            metrics=HttpMetrics(registry, routes),
            cors=settings.cors,
            get_cache_control=settings.get_cache_control,
            answers=DatabaseAnswers(database),
        )
    )

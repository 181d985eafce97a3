"""Thousands of environments in a database, written as MR would have, and the keys that open them.

Five environments make an application, as from development to production; each has all of its
application's features, of all four types, every fifth with a strategy. Each environment has a
service account of its own, so that a key never met costs Dacha both questions.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import trio

from fh.aio import Island
from fh.db.connect import ConnectionSettings
from fh.db.embedded import EmbeddedPostgres
from fh.db.pool import PostgresDatabase
from fh.db.port import Transaction
from fh.model.ids import EnvironmentId
from fh.model.sdk_key import SdkKey

T = TypeVar("T")

STAGES = 5
"""Environments of an application."""

TEXT_FEATURE = "FEATURE_1"
"""A feature of type STRING without strategies, in every environment."""

_TEXT_CHARACTERS = 40
_PATIENT = ConnectionSettings(statement_seconds=600.0)

_AUTHOR = """
INSERT INTO person (email, name, person_type) VALUES ($1, 'Bench', 'sdkServiceAccount')
ON CONFLICT (email) DO UPDATE SET name = excluded.name RETURNING id
"""

# All names carry a prefix of this filling, by which later statements find the rows of earlier ones.
_PORTFOLIOS = """
INSERT INTO portfolio (organisation_id, name)
SELECT organisation.id, $1 || n FROM organisation, generate_series(0, $2::int - 1) AS n
"""

_APPLICATIONS = """
INSERT INTO application (portfolio_id, name, who_created)
SELECT portfolio.id, $1 || n, $3
FROM generate_series(0, $2::int - 1) AS n
JOIN portfolio ON portfolio.name = $1 || n % $4
"""

_ENVIRONMENTS = """
INSERT INTO environment (application_id, name)
SELECT application.id, 'stage ' || n
FROM application, generate_series(1, $2::int) AS n
WHERE application.name LIKE $1 || '%'
"""

_FEATURES = """
INSERT INTO feature (application_id, key, name, value_type)
SELECT application.id, 'FEATURE_' || n, 'Feature ' || n,
       (ARRAY['BOOLEAN', 'STRING', 'NUMBER', 'JSON'])[n % 4 + 1]
FROM application, generate_series(0, $2::int - 1) AS n
WHERE application.name LIKE $1 || '%'
"""

_VALUES = """
INSERT INTO feature_value
    (environment_id, feature_id, default_value, locked, who_updated, rollout_strategies)
SELECT environment.id, feature.id,
       CASE feature.value_type
           WHEN 'BOOLEAN' THEN 'true'
           WHEN 'STRING' THEN repeat('x', $3)
           WHEN 'NUMBER' THEN '42.5'
           ELSE '{"colour": "blue", "size": 17}'
       END,
       false, $2,
       CASE WHEN feature.key NOT LIKE 'FEATURE\\_%0' AND feature.key NOT LIKE 'FEATURE\\_%5'
            THEN '[]'::jsonb
            ELSE jsonb_build_array(jsonb_build_object(
                'id', 'beta', 'name', 'beta', 'percentage', 200000,
                'percentageAttributes', '[]'::jsonb, 'disabled', false,
                'attributes', jsonb_build_array(jsonb_build_object(
                    'id', 'land', 'conditional', 'EQUALS', 'fieldName', 'country',
                    'type', 'STRING', 'values', jsonb_build_array('turkey', 'thailand')))))
       END
FROM application
JOIN environment ON environment.application_id = application.id
JOIN feature ON feature.application_id = application.id
WHERE application.name LIKE $1 || '%'
"""

_VERSIONS = """
INSERT INTO feature_value_version
    (feature_value_id, version, feature_id, default_value, locked, retired, rollout_strategies,
     who_updated)
SELECT v.id, v.version, v.feature_id, v.default_value, v.locked, v.retired, v.rollout_strategies,
       v.who_updated
FROM application
JOIN environment ON environment.application_id = application.id
JOIN feature_value v ON v.environment_id = environment.id
WHERE application.name LIKE $1 || '%'
"""

_ACCOUNTS = """
INSERT INTO service_account
    (portfolio_id, name, api_key_server_side, api_key_client_side, sdk_person_id, who_created)
SELECT application.portfolio_id, environment.id::text,
       left(md5(environment.id::text || 1) || md5(environment.id::text || 2), 40),
       left(md5(environment.id::text || 3), 30) || '*' || left(md5(environment.id::text || 4), 20),
       $2, $2
FROM application JOIN environment ON environment.application_id = application.id
WHERE application.name LIKE $1 || '%'
"""

_PERMISSIONS = """
INSERT INTO service_account_permission (service_account_id, environment_id, roles)
SELECT service_account.id, environment.id, ARRAY['READ']
FROM application
JOIN environment ON environment.application_id = application.id
JOIN service_account ON service_account.name = environment.id::text
WHERE application.name LIKE $1 || '%'
"""

_KEYS = """
SELECT environment.id, service_account.api_key_server_side AS secret
FROM application
JOIN environment ON environment.application_id = application.id
JOIN service_account ON service_account.name = environment.id::text
WHERE application.name LIKE $1 || '%'
ORDER BY md5(environment.id::text)
"""

_STATISTICS = "ANALYZE"

_APPLICATIONS_IN_A_PORTFOLIO = 20


@dataclass(frozen=True, slots=True)
class Contents:
    """Environments of one size, as server-evaluated keys that may read them."""

    features: int
    keys: tuple[SdkKey, ...]

    @property
    def values(self) -> int:
        """How many features all of its environments hold together."""
        return self.features * len(self.keys)


def within_database(data_directory: Path, work: Callable[[Transaction], Awaitable[T]]) -> T:
    """Return what `work` does in one transaction in the embedded database of a running role."""
    dsn = EmbeddedPostgres(data_directory / "postgres").dsn

    async def connected() -> T:
        island = Island()
        database = PostgresDatabase(island, dsn, minimum=1, maximum=2, settings=_PATIENT)
        async with trio.open_nursery() as nursery:
            await nursery.start(island.run)
            await nursery.start(database.run)
            done = await database.transaction(work)
            nursery.cancel_scope.cancel()
        return done

    return trio.run(connected)


async def fill(tx: Transaction, name: str, environments: int, features: int) -> Contents:
    """Make `environments` with `features` each; `name` tells them from those of other fillings."""
    applications = -(-environments // STAGES)
    portfolios = -(-applications // _APPLICATIONS_IN_A_PORTFOLIO)
    prefix = f"bench {name} "
    author = await tx.fetchval(_AUTHOR, "bench@example.org")
    await tx.execute(_PORTFOLIOS, prefix, portfolios)
    await tx.execute(_APPLICATIONS, prefix, applications, author, portfolios)
    await tx.execute(_ENVIRONMENTS, prefix, STAGES)
    await tx.execute(_FEATURES, prefix, features)
    await tx.execute(_VALUES, prefix, author, _TEXT_CHARACTERS)
    await tx.execute(_VERSIONS, prefix)
    await tx.execute(_ACCOUNTS, prefix, author)
    await tx.execute(_PERMISSIONS, prefix)
    keys = [
        SdkKey(EnvironmentId(row["id"]), row["secret"]) for row in await tx.fetch(_KEYS, prefix)
    ]
    await tx.execute(_STATISTICS)
    return Contents(features, tuple(keys[:environments]))

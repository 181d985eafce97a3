from uuid import UUID

import pytest

from fh.mr.repositories.access import find_application_rights

APPLICATIONS, ENVIRONMENTS = 1_000, 10

_MANY = """
WITH made AS (
    INSERT INTO application (portfolio_id, name, who_created)
    SELECT $1, 'application ' || n, $2 FROM generate_series(1, $3) AS n
    RETURNING id
), stages AS (
    INSERT INTO environment (application_id, name)
    SELECT id, 'stage ' || n FROM made, generate_series(1, $4) AS n
    RETURNING id
)
INSERT INTO acl (group_id, environment_id, roles) SELECT $5, id, '{READ}' FROM stages
"""

_READ = """
SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::int
FROM pg_stat_xact_user_tables WHERE relname IN ('acl', 'environment')
"""


@pytest.fixture
async def somewhere(place, sql) -> UUID:
    """One of many applications whose environments a group of the caller's may read."""
    group, person = next(iter(place.caller.groups)), place.caller.person_id
    await sql(_MANY, place.portfolio, person, APPLICATIONS, ENVIRONMENTS, group)
    await sql("ANALYZE acl")
    await sql("ANALYZE environment")
    [row] = await sql("SELECT id FROM application WHERE name = 'application 100'")
    return row["id"]


async def test_rights_in_one_application_are_found_without_reading_those_in_others(
    database, place, somewhere
):
    async def look(tx):
        before = await tx.fetchval(_READ)  # of earlier transactions of the session
        rights = await find_application_rights(tx, place.caller, somewhere)
        return rights, await tx.fetchval(_READ) - before

    rights, rows_read = await database.transaction(look)
    assert len(rights.environment_roles) == ENVIRONMENTS
    assert rows_read < 10 * ENVIRONMENTS

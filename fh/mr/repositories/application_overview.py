"""What there is in an application, counted, and who was given anything in it."""

from dataclasses import dataclass

from fh.db.port import Transaction
from fh.model.ids import ApplicationId

_SUMMARY = """
SELECT EXISTS (SELECT FROM acl
               JOIN environment e ON e.id = acl.environment_id
               JOIN person_group g ON g.id = acl.group_id
               WHERE e.application_id = $1 AND cardinality(acl.roles) > 0
                 AND e.when_archived IS NULL AND g.when_archived IS NULL) AS groups,
       EXISTS (SELECT FROM service_account_permission p
               JOIN environment e ON e.id = p.environment_id
               JOIN service_account s ON s.id = p.service_account_id
               WHERE e.application_id = $1 AND cardinality(p.roles) > 0
                 AND e.when_archived IS NULL AND s.when_archived IS NULL) AS accounts,
       (SELECT count(*) FROM feature
        WHERE application_id = $1 AND when_archived IS NULL) AS features,
       (SELECT count(*) FROM environment
        WHERE application_id = $1 AND when_archived IS NULL) AS environments
"""


@dataclass(frozen=True, slots=True)
class Overview:
    """What an application has; all of it live."""

    groups_have_permission: bool
    accounts_have_permission: bool
    features: int
    environments: int


async def load_overview(tx: Transaction, application_id: ApplicationId) -> Overview:
    """Return what an application has."""
    row = await tx.fetchrow(_SUMMARY, application_id)
    assert row is not None, "it has no FROM"
    return Overview(*row)

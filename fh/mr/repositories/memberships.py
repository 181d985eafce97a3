"""Who is in which group: rows come and go; who may is decided elsewhere."""

from collections.abc import Iterable, Sequence

from fh.db.port import Transaction
from fh.model.ids import GroupId, PersonId

# Whoever adds or removes superusers holds the row for themselves, and whoever relies on who they
# are shares it, so that no admin group is made, or left, while that changes.
_LOCK_SUPERUSERS = """
SELECT id FROM person_group WHERE admin AND portfolio_id IS NULL AND when_archived IS NULL
FOR NO KEY UPDATE
"""

_HOLD_SUPERUSERS = """
SELECT id FROM person_group WHERE admin AND portfolio_id IS NULL AND when_archived IS NULL
FOR SHARE
"""

_IS_SUPERUSER = """
SELECT EXISTS (SELECT FROM group_member JOIN person_group ON person_group.id = group_id
               WHERE person_id = $1 AND admin AND portfolio_id IS NULL AND when_archived IS NULL)
"""

_JOIN = """
INSERT INTO group_member (group_id, person_id)
SELECT joined, person_id FROM unnest($1::uuid[]) joined, unnest($2::uuid[]) person_id
ON CONFLICT DO NOTHING
"""

_LEAVE = """
DELETE FROM group_member WHERE group_id = ANY($1::uuid[]) AND person_id = ANY($2::uuid[])
"""

_LEAVE_ALL = "DELETE FROM group_member WHERE person_id = $1"

_JOIN_ADMINS = """
INSERT INTO group_member (group_id, person_id)
SELECT person_group.id, person_id FROM person_group, unnest($1::uuid[]) person_id
WHERE admin AND portfolio_id IS NOT NULL AND when_archived IS NULL
ON CONFLICT DO NOTHING
"""

_LEAVE_ADMINS = """
DELETE FROM group_member USING person_group
WHERE person_group.id = group_id AND admin AND portfolio_id IS NOT NULL
  AND person_id = ANY($1::uuid[])
"""

_MEMBERS = "SELECT person_id FROM group_member WHERE group_id = $1"

_LIVE = """
SELECT id FROM person
WHERE (id = ANY($1::uuid[]) OR email = ANY($2::text[]))
  AND when_archived IS NULL AND person_type <> 'sdkServiceAccount'
"""


async def lock_superusers(tx: Transaction) -> None:
    """Let nobody else change who the superusers are until the transaction ends."""
    await tx.fetchrow(_LOCK_SUPERUSERS)


async def hold_superusers(tx: Transaction) -> None:
    """Keep the superusers as they are until the transaction ends."""
    await tx.fetchrow(_HOLD_SUPERUSERS)


async def is_superuser(tx: Transaction, person_id: PersonId) -> bool:
    """Return whether somebody is a superuser; archived people count."""
    return bool(await tx.fetchval(_IS_SUPERUSER, person_id))


async def join(tx: Transaction, groups: Iterable[GroupId], people: Iterable[PersonId]) -> None:
    """Make people members of groups; whoever is one already stays one."""
    await tx.execute(_JOIN, list(groups), list(people))


async def leave(tx: Transaction, groups: Iterable[GroupId], people: Iterable[PersonId]) -> int:
    """End memberships of people in groups; return how many there were."""
    tag = await tx.execute(_LEAVE, list(groups), list(people))
    return int(tag.rpartition(" ")[2])


async def leave_all(tx: Transaction, person_id: PersonId) -> None:
    """End all memberships of a person."""
    await tx.execute(_LEAVE_ALL, person_id)


async def join_admin_groups(tx: Transaction, people: Iterable[PersonId]) -> None:
    """Make people members of every portfolio's admin group."""
    await tx.execute(_JOIN_ADMINS, list(people))


async def leave_admin_groups(tx: Transaction, people: Iterable[PersonId]) -> None:
    """End memberships of people in portfolios' admin groups."""
    await tx.execute(_LEAVE_ADMINS, list(people))


async def load_member_ids(tx: Transaction, group_id: GroupId) -> frozenset[PersonId]:
    """Return who is in a group, archived people included."""
    return frozenset(row["person_id"] for row in await tx.fetch(_MEMBERS, group_id))


async def find_joinable(
    tx: Transaction, ids: Iterable[PersonId], emails: Iterable[str] = ()
) -> Sequence[PersonId]:
    """Return those of the people that can be in groups: no archived ones, no shadows of SDKs."""
    rows = await tx.fetch(_LIVE, list(ids), [email.strip().lower() for email in emails])
    return [row["id"] for row in rows]

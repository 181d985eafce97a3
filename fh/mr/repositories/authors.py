"""Who wrote the newest version of something, or created it: portfolios, applications, groups."""

from dataclasses import dataclass
from uuid import UUID

from fh.db.port import Row
from fh.model.ids import PersonId


@dataclass(frozen=True, slots=True)
class Author:
    """Whoever created or wrote something, whether they are still active or not."""

    id: PersonId
    name: str | None
    email: str


def with_creators(statement: str) -> str:
    """Return `statement`, whose rows have `who_created`, with the column `creator` besides."""
    # What is looked up for each row leaves the rows in their order, as a join would not.
    return f"""
    WITH found AS ({statement})
    SELECT found.*, (SELECT ARRAY[person.id::text, person.name, person.email] FROM person
                     WHERE person.id = found.who_created) AS creator
    FROM found
    """  # noqa: S608 -- only the constants of repositories


def creator_of(row: Row) -> Author | None:
    """Return who created what a row of such a statement holds, if that is known."""
    if row["creator"] is None:
        return None
    identifier, name, email = row["creator"]
    return Author(PersonId(UUID(identifier)), name, email)

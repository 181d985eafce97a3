"""Which environments of an application somebody looks at."""

from collections.abc import Sequence
from dataclasses import dataclass

from fh.db.port import Transaction
from fh.model.ids import ApplicationId, EnvironmentId, PersonId


@dataclass(frozen=True, slots=True)
class HiddenEnvironments:
    """What somebody chose; `none_selected` tells nothing chosen from nothing said."""

    environment_ids: Sequence[EnvironmentId] = ()
    none_selected: bool = False


_FIND = """
SELECT environment_ids, none_selected FROM hidden_environments
WHERE person_id = $1 AND application_id = $2
"""

_SAVE = """
INSERT INTO hidden_environments (person_id, application_id, environment_ids, none_selected)
VALUES ($1, $2, $3, $4)
ON CONFLICT (person_id, application_id) DO UPDATE
SET environment_ids = excluded.environment_ids, none_selected = excluded.none_selected,
    when_updated = now()
"""

_FORGET = "DELETE FROM hidden_environments WHERE person_id = $1 AND application_id = $2"

_KNOWN = "SELECT count(*) FROM environment WHERE id = ANY ($1)"


async def find_hidden(
    tx: Transaction, person_id: PersonId, application_id: ApplicationId
) -> HiddenEnvironments:
    """Return what a person chose; nothing, if they never did."""
    row = await tx.fetchrow(_FIND, person_id, application_id)
    return HiddenEnvironments() if row is None else HiddenEnvironments(*row)


async def save_hidden(
    tx: Transaction, person_id: PersonId, application_id: ApplicationId, hidden: HiddenEnvironments
) -> None:
    """Keep what a person chose."""
    await tx.execute(_SAVE, person_id, application_id, hidden.environment_ids, hidden.none_selected)


async def forget_hidden(
    tx: Transaction, person_id: PersonId, application_id: ApplicationId
) -> None:
    """Forget what a person chose."""
    await tx.execute(_FORGET, person_id, application_id)


async def are_environments(tx: Transaction, environment_ids: Sequence[EnvironmentId]) -> bool:
    """Return whether all of these are environments, of whatever application."""
    known: int = await tx.fetchval(_KNOWN, environment_ids)
    return known == len(set(environment_ids))

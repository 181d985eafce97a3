"""Who changed which value when, and what it was."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from fh.db.port import Transaction
from fh.model.ids import ApplicationId, ApplicationStrategyId
from fh.mr.access import Caller, environments_shown, holds_environment_entry
from fh.mr.errors import NotFound
from fh.mr.repositories.access import find_application_rights
from fh.mr.repositories.environments import find_environments
from fh.mr.repositories.feature_history import (
    AttachedName,
    HistoryPage,
    HistoryVersion,
    find_attached_names,
    find_history,
)


@dataclass(frozen=True, slots=True)
class History:
    """A page of versions, how many there are in all, and the names of what was attached."""

    versions: Sequence[HistoryVersion]
    total: int
    names: Mapping[ApplicationStrategyId, AttachedName]


async def load_history(
    tx: Transaction, caller: Caller, application_id: ApplicationId, page: HistoryPage
) -> History:
    """Return a page of versions, and how many there are in all.

    Of the environments in `page`, or of all where it names none, only those count in which the
    caller has a role: who asks for nothing but others gets nothing.

    Raises:
        NotFound: there is no such application, or the caller has no role in any environment.
    """
    rights = await find_application_rights(tx, caller, application_id)
    if rights is None or not holds_environment_entry(caller, rights):
        raise NotFound("application")
    live = [one.id for one in await find_environments(tx, [application_id])]
    visible = environments_shown(caller, rights, live)
    wanted = [one for one in visible if not page.environments or one in page.environments]
    if not wanted:
        return History((), 0, {})
    versions, total = await find_history(tx, application_id, replace(page, environments=wanted))
    return History(versions, total, await find_attached_names(tx, versions))

"""Which environments of an application somebody looks at: kept for them, and not looked into."""

from fh.db.port import Transaction
from fh.model.ids import ApplicationId
from fh.mr.access import Caller
from fh.mr.errors import Invalid
from fh.mr.repositories import hidden_environments as repository
from fh.mr.repositories.hidden_environments import HiddenEnvironments
from fh.mr.services.rights import reader_rights


async def load_hidden(
    tx: Transaction, caller: Caller, application_id: ApplicationId
) -> HiddenEnvironments:
    """Return what the caller chose.

    Raises:
        NotFound: there is no such application.
        Forbidden: the caller may not read its features.
    """
    await reader_rights(tx, caller, application_id)
    return await repository.find_hidden(tx, caller.person_id, application_id)


async def save_hidden(
    tx: Transaction,
    caller: Caller,
    application_id: ApplicationId,
    hidden: HiddenEnvironments,
    most: int,
) -> None:
    """Keep what the caller chose, `most` environments at most; an empty choice is forgotten.

    Raises:
        NotFound: there is no such application.
        Forbidden: the caller may not read its features.
        Invalid: they are too many, or one of them is none.
    """
    await reader_rights(tx, caller, application_id)
    if len(hidden.environment_ids) > most:
        raise Invalid("environmentIds", f"At most {most} environments can be chosen.")
    if not hidden.environment_ids and not hidden.none_selected:
        await repository.forget_hidden(tx, caller.person_id, application_id)
        return
    if not await repository.are_environments(tx, hidden.environment_ids):
        raise Invalid("environmentIds", "One of them is no environment.")
    await repository.save_hidden(tx, caller.person_id, application_id, hidden)

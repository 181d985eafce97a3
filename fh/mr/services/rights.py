"""What a caller may do in an application, for services that can't go on without it."""

from fh.db.port import Transaction
from fh.model.ids import ApplicationId
from fh.mr.access import ApplicationRights, Caller, may_read_features
from fh.mr.errors import Forbidden, NotFound
from fh.mr.repositories.access import find_application_rights


async def application_rights(
    tx: Transaction, caller: Caller, application_id: ApplicationId
) -> ApplicationRights:
    """Return the caller's rights in an application.

    Raises:
        NotFound: there is no such application.
    """
    rights = await find_application_rights(tx, caller, application_id)
    if rights is None:
        raise NotFound("application")
    return rights


async def reader_rights(
    tx: Transaction, caller: Caller, application_id: ApplicationId
) -> ApplicationRights:
    """Return the rights of a caller who may read the features of an application.

    Raises:
        NotFound: there is no such application.
        Forbidden: the caller may not read its features.
    """
    rights = await application_rights(tx, caller, application_id)
    if not may_read_features(caller, rights):
        raise Forbidden
    return rights

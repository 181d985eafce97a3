"""An application at a glance: what it has, and what the caller may do in it."""

from collections.abc import Sequence
from dataclasses import dataclass

from fh.db.port import Transaction
from fh.model.ids import ApplicationId
from fh.model.roles import ApplicationRole, Role
from fh.mr.access import (
    Caller,
    application_roles_held,
    effective_roles,
)
from fh.mr.repositories.application_overview import Overview, load_overview
from fh.mr.repositories.environments import Environment, find_environments
from fh.mr.services.rights import application_rights, reader_rights


@dataclass(frozen=True, slots=True)
class HeldInEnvironment:
    """The roles that a caller has in an environment; at least one."""

    environment: Environment
    roles: frozenset[Role]


@dataclass(frozen=True, slots=True)
class Held:
    """The roles that a caller has in an application and its environments."""

    application: frozenset[ApplicationRole]
    environments: Sequence[HeldInEnvironment]


async def load_summary(tx: Transaction, caller: Caller, application_id: ApplicationId) -> Overview:
    """Return what an application has.

    Raises:
        NotFound: there is no such application.
        Forbidden: the caller may not read its features.
    """
    await reader_rights(tx, caller, application_id)
    return await load_overview(tx, application_id)


async def load_held(tx: Transaction, caller: Caller, application_id: ApplicationId) -> Held:
    """Return what the caller may do in an application: nothing, if they are a stranger.

    Raises:
        NotFound: there is no such application.
    """
    rights = await application_rights(tx, caller, application_id)
    held = [
        HeldInEnvironment(one, effective_roles(caller, rights, one.id).environment)
        for one in await find_environments(tx, [application_id])
    ]
    return Held(application_roles_held(caller, rights), [one for one in held if one.roles])

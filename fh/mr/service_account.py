"""What service accounts are made of, changed to, and shown with."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from fh.model.ids import ApplicationId, EnvironmentId, FeatureFilterId, ServiceAccountId
from fh.model.roles import Role
from fh.mr.repositories.service_accounts import Permission, ServiceAccount


class KeyKind(StrEnum):
    """Which of an account's secrets to reset (`ResetApiKeyType`)."""

    CLIENT = "client_eval_only"
    SERVER = "server_eval_only"


@dataclass(frozen=True, slots=True)
class Grant:
    """A role list for one environment; an empty one takes everything away."""

    environment_id: EnvironmentId
    roles: frozenset[Role]


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What an account starts with."""

    name: str
    description: str
    grants: Sequence[Grant] = ()
    filters: Sequence[FeatureFilterId] = ()


@dataclass(frozen=True, slots=True)
class AccountChange:
    """What a client wants an account to be.

    `grants` None leaves the permissions alone; otherwise it is all of them, within
    `application_id` when that is given. `filters` None leaves the filters alone.
    """

    account_id: ServiceAccountId
    name: str
    description: str | None
    version: int | None
    grants: Sequence[Grant] | None = None
    filters: Sequence[FeatureFilterId] | None = None
    application_id: ApplicationId | None = None


@dataclass(frozen=True, slots=True)
class AccountDetails:
    """An account; `permissions` is None when they were not asked for, `filters` is empty then.

    `open_environments` are those whose SDK URLs the caller may see.
    """

    account: ServiceAccount
    permissions: Sequence[Permission] | None = None
    open_environments: frozenset[EnvironmentId] = frozenset()
    filters: Sequence[FeatureFilterId] = ()

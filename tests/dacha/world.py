"""The nouns of Dacha's tests, and an MR to ask."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from random import Random
from uuid import UUID

import trio
from msgspec import Raw

from fh.contracts.published import (
    DELETED_VERSION,
    CacheEnvironment,
    CacheEnvironmentFeature,
    CacheFeature,
    CacheFeatureValue,
    CacheServiceAccount,
    CacheServiceAccountPermission,
    PublishAction,
    PublishEnvironment,
    PublishFeatureValue,
    PublishFeatureValues,
    PublishServiceAccount,
)
from fh.dacha.dacha import Dacha
from fh.dacha.settings import DachaSettings
from fh.errors import Unavailable
from fh.model.feature_type import FeatureType
from fh.model.ids import (
    ApplicationId,
    EnvironmentId,
    FeatureFilterId,
    FeatureId,
    FeatureValueId,
    OrganisationId,
    PortfolioId,
    ServiceAccountId,
)
from fh.model.roles import Role
from fh.model.sdk_key import SdkKey

STAGING = EnvironmentId(UUID(int=1))
PRODUCTION = EnvironmentId(UUID(int=2))
SERVER, CLIENT = "server-secret", "client*secret"
ROBOT = ServiceAccountId(UUID(int=50))
RED, BLUE = FeatureFilterId(UUID(int=70)), FeatureFilterId(UUID(int=71))
KEY = SdkKey(STAGING, SERVER)


def feature(
    number=1,
    *,
    version=1,
    value_version=1,
    value=b"true",
    filters=(),
    properties=None,
    retired=False,
):
    """Return feature `number`; without value where `value_version` is None."""
    key = f"feature-{number}"
    return CacheEnvironmentFeature(
        feature=CacheFeature(
            id=FeatureId(UUID(int=100 + number)),
            key=key,
            value_type=FeatureType.BOOLEAN,
            version=version,
            filters=filters,
        ),
        value=None
        if value_version is None
        else CacheFeatureValue(
            id=FeatureValueId(UUID(int=200 + number)),
            key=key,
            locked=False,
            version=value_version,
            value=Raw(value),
            retired=retired,
        ),
        properties=properties,
    )


def environment(*features, id=STAGING, version=1, info=None, action=PublishAction.UPDATE):  # noqa: A002 - as on the wire
    return PublishEnvironment(
        environment=CacheEnvironment(id=id, version=version, info=info),
        organisation_id=OrganisationId(UUID(int=10)),
        portfolio_id=PortfolioId(UUID(int=11)),
        application_id=ApplicationId(UUID(int=12)),
        action=action,
        features=features,
    )


def deleted_environment(id=STAGING):  # noqa: A002 - as on the wire
    return environment(id=id, version=DELETED_VERSION, action=PublishAction.DELETE)


def account(
    *,
    version=1,
    server=SERVER,
    client=CLIENT,
    permissions=((STAGING, (Role.READ,)),),
    filters=(),
    id=ROBOT,  # noqa: A002 - as on the wire
):
    return CacheServiceAccount(
        id=id,
        version=version,
        api_key_client_side=client,
        api_key_server_side=server,
        permissions=tuple(CacheServiceAccountPermission(*each) for each in permissions),
        filters=filters,
    )


def change(feature, action=PublishAction.UPDATE, environment_id=STAGING):
    return PublishFeatureValue(action=action, environment_id=environment_id, feature=feature)


def features_published(*changes):
    return PublishFeatureValues(features=changes)


def account_published(account, action=PublishAction.UPDATE):
    return PublishServiceAccount(action=action, service_account=account)


def account_deleted(id=ROBOT):  # noqa: A002 - as on the wire
    gone = account(id=id, version=DELETED_VERSION, server="", client="", permissions=())
    return account_published(gone, PublishAction.DELETE)


def versions(features):
    """Return what the etag covers, and the values."""
    return [
        (
            each.feature.key,
            each.feature.version,
            each.value and each.value.version,
            each.value and bytes(each.value.value),
        )
        for each in features
    ]


class FakeSource:
    """An MR that counts questions, and can be slow, away or broken.

    It reads when it is asked and answers when it is let: so a held answer gets old.
    """

    def __init__(self, *environments, accounts=()):
        self.environments = {each.environment.id: each for each in environments}
        self.accounts = {}
        for each in accounts:
            self.keep(each)
        self.environment_questions = []
        self.account_questions = []
        self.is_down = False
        self.bug = None
        self.open = trio.Event()
        self.open.set()
        self.running = 0
        self.most_running = 0

    def keep(self, account):
        self.accounts = {s: a for s, a in self.accounts.items() if a.id != account.id}
        self.accounts[account.api_key_server_side] = account
        self.accounts[account.api_key_client_side] = account

    def hold(self):
        self.open = trio.Event()

    def release(self):
        self.open.set()

    async def load_environment(self, environment_id):
        self.environment_questions.append(environment_id)
        return await self._answer(self.environments.get(environment_id))

    async def load_account(self, secret):
        self.account_questions.append(secret)
        return await self._answer(self.accounts.get(secret))

    async def _answer(self, answer):
        is_down, bug = self.is_down, self.bug
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await self.open.wait()
        finally:
            self.running -= 1
        if bug is not None:
            raise bug
        if is_down:
            raise Unavailable("MR is away")
        return answer


def known_world(*features):
    """Return an MR with the robot's account and the staging environment."""
    return FakeSource(environment(*features), accounts=[account()])


@asynccontextmanager
async def open_dacha(source, *, asks_anew=None, **settings) -> AsyncGenerator[Dacha]:
    defaults = {"miss_jitter": 0.0, "reload_jitter_seconds": 0.0}
    dacha = Dacha(
        source, DachaSettings(**(defaults | settings)), jitter=Random(7), asks_anew=asks_anew
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(dacha.run)
        yield dacha
        dacha.stop()

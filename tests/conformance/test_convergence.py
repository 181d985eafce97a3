"""Whatever the bus does to the order, everybody ends at the same state.

Messages are stamped with versions, and may come in any order, twice, and bundled. That caches of
environments converge is shown in `tests/dacha/test_snapshot.py`; here are service accounts, and
SDKs at the end of a stream.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec
import trio
from edge_under_test import (
    CLIENT_KEY,
    ENVIRONMENT,
    SERVER_KEY,
    Client,
    MemoryLookup,
    boolean,
    edge_under_test,
    granted,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from fh.contracts.published import (
    CacheEnvironmentFeature,
    CacheServiceAccount,
    CacheServiceAccountPermission,
    PublishAction,
    PublishFeatureValue,
    PublishFeatureValues,
    PublishServiceAccount,
    encode_published,
)
from fh.dacha.account_tables import AccountTables
from fh.dacha.misses import Misses
from fh.model.ids import EnvironmentId, FeatureFilterId, ServiceAccountId
from fh.model.roles import Role
from tests.wire.event_stream import read

# Service accounts ---------------------------------------------------------------------------


def account(number: int, version: int, step: str) -> CacheServiceAccount:
    """Version by version an account's keys, permissions and filters are other ones."""
    keys = version if step == "keys" else 0
    return CacheServiceAccount(
        id=ServiceAccountId(UUID(int=number)),
        version=version,
        api_key_client_side=f"client*{number}-{keys}",
        api_key_server_side=f"server-{number}-{keys}",
        permissions=(
            CacheServiceAccountPermission(
                EnvironmentId(UUID(int=version if step == "permissions" else 0)), (Role.READ,)
            ),
        ),
        filters=(FeatureFilterId(UUID(int=version)),) if step == "filters" else (),
    )


STEPS = st.lists(st.sampled_from(["keys", "permissions", "filters"]), min_size=1, max_size=5)
ACCOUNTS = st.lists(STEPS, min_size=1, max_size=3).map(
    lambda accounts: [
        PublishServiceAccount(PublishAction.UPDATE, account(number, version, step))
        for number, steps in enumerate(accounts, 1)
        for version, step in enumerate(steps, 1)
    ]
)


def tables() -> AccountTables:
    misses: Misses[str] = Misses(100, 1000.0, jitter=0.0, source=random.Random(1))
    return AccountTables(100, misses, cache_all_updates=True)


def what_is_known(found: AccountTables, secrets: list[str]) -> list[Any]:
    known = [found.use(secret) for secret in secrets]
    return [each and (each.id, each.version, dict(each.roles), each.filters) for each in known]


@given(data=st.data(), history=ACCOUNTS)
def test_accounts_end_the_same_in_any_order(data, history) -> None:
    again = data.draw(st.lists(st.sampled_from(history), max_size=4))
    shuffled = data.draw(st.permutations(history + again))
    in_order, out_of_order = tables(), tables()
    for message in history:
        in_order.publish(message, 0.0)
    for message in shuffled:
        arrived = msgspec.json.decode(encode_published(message), type=PublishServiceAccount)
        out_of_order.publish(arrived, 0.0)
    secrets = [
        secret
        for message in history
        if (each := message.service_account)
        for secret in (each.api_key_client_side, each.api_key_server_side)
    ]
    assert what_is_known(out_of_order, secrets) == what_is_known(in_order, secrets)
    newest = {each.service_account.id: each.service_account for each in history}
    for each in newest.values():
        for secret in (each.api_key_client_side, each.api_key_server_side):
            found = out_of_order.use(secret)
            assert found is not None
            assert found.version == each.version


# SDKs ---------------------------------------------------------------------------------------


@dataclass
class Repository:
    """What an SDK makes of events, by the rules of the JavaScript SDK."""

    features: dict[str, dict[str, Any]] = field(default_factory=dict)

    def take(self, name: str, data: str) -> None:
        match name:
            case "features":
                self.features = {each["id"]: each for each in json.loads(data)}
            case "feature":
                each = json.loads(data)
                known = self.features.get(each["id"])
                if known is None or each["version"] >= known["version"]:
                    self.features[each["id"]] = each
            case "delete_feature":
                each = json.loads(data)
                known = self.features.get(each["id"])
                if known and (not each["version"] or each["version"] >= known["version"]):
                    del self.features[each["id"]]
            case "ack":
                pass
            case other:
                raise AssertionError(other)


def history_of(name: str, steps: list[str], first: int | None) -> list[PublishFeatureValue]:
    """Return what is announced of a feature as it is edited step by step."""
    version, value_version, retired = 1, first, False
    messages: list[PublishFeatureValue] = []

    def announce(action: PublishAction = PublishAction.UPDATE) -> None:
        feature = feature_at(name, version, value_version, retired=retired)
        messages.append(PublishFeatureValue(action, ENVIRONMENT, feature))

    announce()
    for step in steps:
        match step:
            case "name":
                version += 1
            case "value" | "retire" | "restore":
                value_version = (value_version or 0) + 1
                retired = step == "retire" or (retired and step == "value")
        announce()
    return messages


def feature_at(
    name: str, version: int, value_version: int | None, *, retired: bool = False
) -> CacheEnvironmentFeature:
    value = None if value_version is None else value_version % 2 == 0
    feature = boolean(name, value, version=value_version or 0, retired=retired)
    return structs.replace(feature, feature=structs.replace(feature.feature, version=version))


@st.composite
def histories(draw):
    """Return the messages, the first state that Dacha knows, and what should be left."""
    messages, start, left = [], [], {}
    for name in draw(st.lists(st.sampled_from(["one", "two", "new"]), min_size=1, unique=True)):
        steps = draw(st.lists(st.sampled_from(["name", "value", "retire", "restore"]), max_size=5))
        told = history_of(name, steps, draw(st.sampled_from([None, 1])))
        if name != "new":
            start.append(told[0].feature)
        newest = told[-1].feature
        if draw(st.booleans()):
            gone = structs.replace(newest.feature, version=newest.feature.version + 1)
            gone = CacheEnvironmentFeature(gone)
            told.append(PublishFeatureValue(PublishAction.DELETE, ENVIRONMENT, gone))
        elif newest.value is None or not newest.value.retired:
            left[str(newest.feature.id)] = newest.value.version if newest.value else 0
        messages += told
    again = draw(st.lists(st.sampled_from(messages), max_size=4))
    return draw(st.permutations(messages + again)), start, left


@given(data=st.data(), drawn=histories())
@settings(max_examples=40, deadline=None)
async def test_sdks_end_the_same_in_any_order(data, drawn) -> None:
    messages, start, left = drawn
    view = granted(start)
    lookup = MemoryLookup({SERVER_KEY: view, CLIENT_KEY: view})
    async with edge_under_test(lookup) as edge:
        early = [await edge.open_stream(key) for key in (SERVER_KEY, CLIENT_KEY)]
        await edge.poll(SERVER_KEY)  # asked after the streams: they are there when it is answered
        while messages:
            size = data.draw(st.integers(min_value=1, max_value=3))
            bundle, messages = messages[:size], messages[size:]
            arrived = encode_published(PublishFeatureValues(tuple(bundle)))
            await edge.edge.on_delivery(msgspec.json.decode(arrived, type=PublishFeatureValues))
        late = [await edge.open_stream(key) for key in (SERVER_KEY, CLIENT_KEY)]
        await edge.announce(boolean("end", True))
        for client in early + late:
            repository = await read_to_the_end(client)
            found = {key: each["version"] for key, each in repository.features.items()}
            assert found == left


async def read_to_the_end(client: Client) -> Repository:
    repository = Repository()
    while '"key":"end"' not in client.received.decode():
        with trio.fail_after(5):
            client.received += await client.stream.receive_some(65536)
    stream = read(b"".join(chunks(client.received)))
    assert stream.ignored == []
    for event in stream.events:
        repository.take(event.name, event.data)
    del repository.features[str(boolean("end").feature.id)]
    return repository


def chunks(received: bytes) -> Iterator[bytes]:
    while received:
        size, _, rest = received.partition(b"\r\n")
        yield rest[: int(size, 16)]
        received = rest[int(size, 16) + 2 :]

import json
import sys

import pytest

from bench.baselines.contestant import Contestant, Entry
from bench.baselines.frame import ENVIRONMENT_ID
from bench.load.poll_trial import Server, ask
from bench.poll_host import CLIENT_SECRET, SERVER_SECRET, FixedTruth, feature


def test_every_tenth_feature_has_a_strategy():
    features = [feature(index) for index in range(50)]
    assert sum(bool(each.value.rollout_strategies) for each in features) == 5
    assert len({each.feature.id for each in features}) == 50


async def test_only_its_environment_and_its_account_exist():
    truth = FixedTruth(3)
    environment = await truth.load_environment(feature(0).feature.id)
    assert environment is None
    assert await truth.load_account("unknown") is None
    for secret in (CLIENT_SECRET, SERVER_SECRET):
        account = await truth.load_account(secret)
        (permission,) = account.permissions
        found = await truth.load_environment(permission.environment_id)
        assert len(found.features) == 3


@pytest.mark.parametrize(("secret", "strategies"), [(CLIENT_SECRET, True), (SERVER_SECRET, False)])
def test_the_real_edge_serves_the_environment(secret, strategies):
    command = [sys.executable, "-m", "bench.poll_host", "--features", "12"]
    with Contestant(Entry("fh", command, "", lambda _: b"")) as host:
        server = Server("fh", host.host, host.port, host.pid, f"{ENVIRONMENT_ID}/{secret}")
        _, body = ask(server)
        assert host.complaints() == ""
    [environment] = json.loads(body)
    assert len(environment["features"]) == 12
    assert all(("strategies" in each) is strategies for each in environment["features"])

import sys
from uuid import UUID

from bench.baselines.contestant import Contestant, Entry
from bench.baselines.frame import ENVIRONMENT_ID, SECRET
from bench.herd_host import FEATURES, CountingTruth
from bench.load.herd import HerdTarget, learn_last_event_id
from bench.load.refused_polls import poll_unknown_keys


async def test_every_question_is_counted_and_the_environment_weighs_what_it_should():
    truth = CountingTruth(200_000)
    environment = await truth.load_environment(UUID(ENVIRONMENT_ID))
    assert len(environment.features) == FEATURES
    assert 195_000 < sum(len(each.value.value) for each in environment.features) < 205_000
    assert await truth.load_account("unknown") is None
    assert truth.questions == 2


def test_its_workers_serve_the_environment_and_ask_once_for_an_unknown_key():
    command = [sys.executable, "-m", "bench.herd_host", "--workers", "1", "--payload-kb", "10"]
    with Contestant(Entry("fh", command, "", lambda _: b"")) as host:
        path = f"/features/{ENVIRONMENT_ID}/{SECRET}"
        assert learn_last_event_id(HerdTarget(host.host, host.port, path))
        before = int(host.ask(b"questions"))
        unknown = [f"{ENVIRONMENT_ID}/{'unknown' * 6}{number}" for number in range(2)]
        refused = poll_unknown_keys(
            host.host, host.port, unknown, connections=2, depth=2, seconds=0.2
        )
        assert refused.polls > 4
        assert int(host.ask(b"questions")) - before == 2
        assert host.complaints() == ""

import pytest
import trio

from bench.live.scene import environment_of, open_scene
from bench.live.verdict import reach_verdict
from bench.load.bounds import OutOfBounds


def test_a_key_tells_its_environment():
    assert environment_of("environment/secret") == "environment"
    assert environment_of("cache/environment/secret") == "environment"


async def test_a_server_that_runs_is_loaded_and_compared(party_server):
    with trio.fail_after(90):
        async with open_scene(party_server.wanted()) as scene:
            await scene.open_streams()
            place = scene.places[0]
            assert place == (party_server.environments[0].id, "FEATURE_0")
            version = await scene.admin.change(*place, "scene")
            verdict = await reach_verdict(scene, patience_seconds=30)
            assert (await scene.truth())[0][0] == version
    assert (verdict.streams, verdict.lost, verdict.ahead) == (20, 0, 0)
    assert verdict.converged_seconds is not None


@pytest.mark.parametrize("changes", [{"key": "nonsense"}, {"feature": "NO_SUCH"}])
async def test_keys_and_features_that_are_none_are_refused(party_server, changes):
    with pytest.raises(OutOfBounds):
        async with open_scene(party_server.wanted(**changes)):
            pass

import pytest
from click.testing import CliRunner

from bench.million import command
from bench.result import load_result


@pytest.mark.timeout(400)
def test_every_stream_of_every_environment_gets_each_change_once(tmp_path):
    file = tmp_path / "result.json"
    words = [
        "--streams",
        "60",
        "--environments",
        "12",
        "--workers",
        "2",
        "--rounds",
        "2",
        "--heartbeat",
        "1",
        "--json",
    ]
    done = CliRunner().invoke(command, [*words, str(file)])
    assert done.exit_code == 0, done.output
    found = load_result(file)
    cells = found.rows[0].cells
    assert (cells["streams"], cells["deliveries"]) == (60, 120)
    assert (cells["lost"], cells["repeated"]) == (0, 0)
    assert cells["last"] > 0
    assert 0 < cells["50 %"] <= cells["99 %"]
    assert found.options["workers"] == 2
    assert found.missed == ()


def test_before_memory_is_used_up_it_ends_and_tells_how_far_it_came(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.live.memory.LEAST_AVAILABLE_BYTES", 1 << 60)
    file = tmp_path / "result.json"
    done = CliRunner().invoke(command, ["--streams", "10", "--json", str(file)])
    assert done.exit_code == 1, done.output
    assert "ended before" in load_result(file).spoiled[0]

from click.testing import CliRunner

from bench.plan import command
from bench.result import Row, encode_result, load_result
from tests.bench.results import a_result


def run(*words):
    return CliRunner().invoke(command, words, catch_exceptions=False)


def test_ten_and_a_hundred_million_are_planned_and_assumptions_told(tmp_path):
    path = tmp_path / "plan.json"
    done = run("--json", str(path))
    assert done.exit_code == 0
    assert "edge.sse.drop-after-seconds" in done.output
    small, large = load_result(path).rows
    assert (small.name, large.name) == ("10,000,000", "100,000,000")
    assert small.cells["nodes"] < large.cells["nodes"]
    assert small.cells["subscribes/s"] == 10_000_000 / 30
    assert load_result(path).options == {"costs": "fh's own"}


def test_measured_costs_change_the_plan(tmp_path):
    profile, path = tmp_path / "fanout.json", tmp_path / "plan.json"
    rows = (Row("fh", {"subscribe µs": 1_000.0}),)
    profile.write_bytes(encode_result(a_result(rows=rows)))
    done = run("--connections", "1000000", "--profile", str(profile), "--json", str(path))
    assert done.exit_code == 0
    assert "a subscribe costs 1000.0 µs" in done.output
    assert load_result(path).rows[0].cells["cores"] > 33


def test_what_can_not_be_is_refused(tmp_path):
    assert run("--memory", "1", "--cores", "64").exit_code == 2
    assert run("--profile", str(tmp_path / "none.json")).exit_code == 2

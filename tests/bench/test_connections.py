import pytest
from click.testing import CliRunner

from bench.connections import EACH, Found, as_result, command
from bench.load.trial import Figures
from bench.result import load_result

FH = Figures("fh", streams=10, user_bytes_per_stream=300, subscribe_us=90, connects_per_second=5)


def run(*words):
    return CliRunner().invoke(command, words, catch_exceptions=False)


def result(**rounds):
    found = Found({name.replace("_", ", K = N"): figures for name, figures in rounds.items()})
    return as_result(found, options={}, names=list(found.rounds))


def test_a_small_real_run_of_fh_and_the_bare_broadcaster(tmp_path):
    path = tmp_path / "connections.json"
    words = ["--streams", "40", "--rounds", "2", "--only", "fh", "--only", "python"]
    done = run(*words, "--json", str(path))
    assert done.exit_code == 0, done.output
    found = load_result(path)
    assert [row.name for row in found.rows] == ["fh", EACH, "python"]
    assert found.rows[1].cells["environment B"] is not None
    assert found.rows[0].cells["subscribe µs"] > 0
    assert found.ratios["subscribe_vs_python"] > 0
    assert len(found.targets) == 3


def test_memory_is_that_of_the_first_round_and_the_rest_the_median():
    later = Figures("fh", streams=10, user_bytes_per_stream=0, subscribe_us=70)
    (row,) = result(fh=[FH, later, later]).rows
    assert (row.cells["user B"], row.cells["subscribe µs"]) == (300, 70)


def test_an_environment_takes_what_its_stream_alone_does_not():
    each = Figures(EACH, streams=10, user_bytes_per_stream=2_800, subscribe_us=90)
    found = result(fh=[FH], fh_=[each])
    assert found.rows[1].cells["environment B"] == 2_500
    assert [target.reached for target in found.targets] == [True, True, False]


def test_who_refused_spoils_the_result():
    found = as_result(Found(failed={"fh": "no room"}), options={}, names=["fh"])
    assert found.spoiled == ("fh: no room",)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--url", "http://127.0.0.1"], "--key"),
        (["--url", "http://127.0.0.1", "--key", "e/k", "--netns"], "namespace"),
        (["--streams", "2000000"], "streams must be"),
        (["--url", "http://192.0.2.1", "--key", "e/k"], "--allow-remote"),
    ],
)
def test_what_makes_no_sense_or_is_too_much_is_refused(words, text):
    done = run(*words)
    assert done.exit_code == 2
    assert text in done.stderr

import pytest
from click.testing import CliRunner

from bench.connections import command
from bench.connections_result import EACH
from bench.result import load_result


def run(*words):
    return CliRunner().invoke(command, words, catch_exceptions=False)


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

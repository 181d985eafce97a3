"""How a bench ends: what it prints, what it writes, with which status."""

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bench.command import conclude, refusals, with_output
from bench.load.bounds import OutOfBounds
from bench.result import Row, Target, load_result
from tests.bench.results import a_result

MISSED = Target("bytes", 2048, 1024)


def ended(*arguments: str, **parts):
    @click.command()
    @with_output
    def command(**options):
        conclude(a_result(**parts), **options)

    return CliRunner().invoke(command, arguments)


@pytest.mark.parametrize(
    ("arguments", "parts", "status"),
    [
        ((), {}, 0),
        ((), {"targets": (MISSED,)}, 0),
        (("--check",), {"targets": (MISSED,)}, 1),
        ((), {"spoiled": ("1 missing",)}, 1),
    ],
)
def test_the_status_says_what_the_figures_are_worth(arguments, parts, status):
    assert ended(*arguments, **parts).exit_code == status


def test_figures_go_to_files(tmp_path: Path):
    json_file, html_file = tmp_path / "r.json", tmp_path / "r.html"
    rows = (Row("fh", {"bytes": 1}),)
    done = ended("--json", str(json_file), "--html", str(html_file), rows=rows)
    assert load_result(json_file).rows == rows
    assert "<td>fh</td>" in html_file.read_text()
    assert "fanout" in done.stdout


def test_a_dash_puts_nothing_but_json_on_standard_output():
    done = ended("--json", "-")
    assert json.loads(done.stdout)["bench"] == "fanout"
    assert "fanout: what does" in done.stderr


def test_a_refused_run_has_a_status_of_its_own():
    @click.command()
    def command():
        with refusals():
            raise OutOfBounds("too many")

    done = CliRunner().invoke(command)
    assert (done.exit_code, done.stderr) == (2, "too many\n")

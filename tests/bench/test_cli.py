"""Every question has its command, and its help is worth reading."""

from importlib.util import find_spec

import pytest
from click.testing import CliRunner

from bench.cli import COMMANDS, bench

WRITTEN = [name for name in COMMANDS if find_spec(f"bench.{name}")]


@pytest.mark.parametrize("name", WRITTEN)
def test_a_command_loads_and_explains_itself_with_examples(name):
    done = CliRunner().invoke(bench, [name, "--help"], prog_name="fh bench")
    assert done.exit_code == 0, done.output
    assert "Examples:" in done.output
    assert f"fh bench {name}" in done.output


def test_the_list_names_every_question():
    done = CliRunner().invoke(bench, ["--help"])
    assert all(
        name in done.output and question in done.output for name, question in COMMANDS.items()
    )


def test_a_question_that_nobody_asks_is_refused():
    assert CliRunner().invoke(bench, ["gossip"]).exit_code == 2

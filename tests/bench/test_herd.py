import pytest
from click.testing import CliRunner

from bench import herd
from bench.result import load_result

SMALL = ("--streams", "40", "--payload-kb", "300", "--bad-key-seconds", "0.2")


def run(*arguments):
    return CliRunner().invoke(herd.command, arguments)


def test_a_small_real_herd(tmp_path):
    file = tmp_path / "herd.json"
    done = run(*SMALL, "--json", str(file))
    assert done.exit_code == 0, done.output
    result = load_result(file)
    [row] = result.rows
    assert row.cells["served"] == 40
    assert (row.cells["turned away"], row.cells["ended early"]) == (0, 0)
    assert row.cells["questions"] == 0
    assert row.cells["refused polls/s"] > 0
    assert len(result.targets) == 4
    assert all(target.measured is not None for target in result.targets)
    # What was received is what was owed, and the beginning of each stream.
    [remark] = result.remarks
    assert remark.startswith("0.0 GB")


def test_without_bad_keys_nothing_is_said_of_them(tmp_path):
    file = tmp_path / "herd.json"
    done = run(
        "--streams", "3", "--payload-kb", "1", "--workers", "1", "--load-processes", "1",
        "--bad-key-seconds", "0", "--json", str(file),
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert [target.reached is None for target in load_result(file).targets] == [
        False,
        False,
        True,
        True,
    ]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [(("--streams", "99999999"), "must be"), (("--patience-seconds", "1800"), "a run lasts")],
)
def test_a_run_out_of_bounds_is_refused(arguments, reason):
    done = run(*arguments)
    assert (done.exit_code, reason in done.output) == (2, True)

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bench.load.process import Machine
from bench.load.trial import Figures
from bench.report import Report, as_json, as_text

MACHINE = Machine(2, "abacus", 2**30, "6.0", "CPython 3.11.7", 0.5)
FH = Figures(
    "fh",
    streams=10,
    events=3,
    user_bytes_per_stream=300,
    processor_us=5.5,
    round_processor_us=(5.0, 5.5, 8.0),
    latency_50_ms=1.0,
    latency_99_ms=2.0,
    latency_100_ms=1234.5,
    client_share=0.5,
)
PYTHON = replace(FH, name="python", round_processor_us=(5.0, 5.0, 5.0))


def report(*figures):
    return Report(MACHINE, datetime(2026, 1, 2, tzinfo=UTC), 500, figures)


def test_targets_that_are_met_are_said_to_be_reached():
    text = as_text(report(FH, PYTHON))
    assert "reached: user memory of a stream, bytes: 300.00" in text
    assert "broadcaster's: 1.10, at most 1.25" in text
    assert "MISSED" not in text
    assert "1,234.5" in text


@pytest.mark.parametrize(
    "missed",
    [replace(FH, user_bytes_per_stream=1025), replace(FH, round_processor_us=(6.3, 6.3, 6.3))],
)
def test_a_missed_target_is_said_to_be_missed(missed):
    found = report(missed, PYTHON)
    assert as_text(found).count("MISSED") == 1
    assert [target.reached for target in found.targets].count(False) == 1


def test_what_was_not_measured_is_neither_reached_nor_missed():
    found = report(PYTHON)
    assert [target.reached for target in found.targets] == [None, None]
    assert as_text(found).count("not measured") == 2


def test_ratios_are_taken_round_by_round():
    assert report(FH, PYTHON).ratio("fh", "python") == (1.0, 1.1, 1.6)
    assert report(FH, PYTHON).ratio("fh", "c") == ()


@pytest.mark.parametrize("fault", ["missing", "duplicates", "ended_streams", "wrong_outcomes"])
def test_lost_deliveries_spoil_the_figures(fault):
    found = report(FH, replace(PYTHON, **{fault: 3}))
    assert not found.complete
    assert "python: " in as_text(found)
    assert "the figures don't count" in as_text(found)


@pytest.mark.parametrize(("share", "complete"), [(0.5, True), (0.49, True), (0.4, False)])
def test_the_strategys_share_has_to_be_what_chance_explains(share, complete):
    found = report(FH, replace(FH, name="fh server", streams=10_000, by_strategy=share))
    assert found.complete is complete
    assert f"fh server: {share:.1%} of the deliveries" in as_text(found)
    assert "fh server / fh: 1.00 times" in as_text(found)


def test_a_busy_client_is_named():
    assert "may have set the pace" in as_text(report(replace(FH, client_share=0.95)))
    assert "may have set the pace" not in as_text(report(FH))


def test_an_absent_contestant_is_named_with_its_reason():
    text = as_text(report(FH, Figures("c", note="no compiler")))
    assert "c: no compiler" in text


def test_a_run_of_nobody_has_no_table():
    assert "user B/stream  kernel" not in as_text(report(Figures("c", note="no compiler")))


def test_json_holds_everything():
    document = json.loads(as_json(report(FH, PYTHON)))
    assert document["servers"][0]["latency_100_ms"] == 1234.5
    assert document["ratios"]["fh/python"] == [1.0, 1.1, 1.6]
    assert [target["reached"] for target in document["targets"]] == [True, True]
    assert document["at"] == "2026-01-02T00:00:00+00:00"
    assert document["machine"]["processors"] == 2

from dataclasses import replace

import pytest

from bench.fanout_result import Found, as_result, ratios, spoilt
from bench.load.trial import PERCENTS, Figures
from bench.text import as_text

FH = Figures(
    "fh",
    streams=10,
    events=3,
    user_bytes_per_stream=300,
    processor_us=5.5,
    round_processor_us=(5.0, 5.5, 8.0),
    round_last_ms=(10.0, 12.0, 14.0),
    latencies_ms=(1.0,) * len(PERCENTS),
    latency_50_ms=1.0,
    latency_99_ms=2.0,
    latency_100_ms=1234.5,
    client_share=0.5,
)
C = replace(FH, name="c", user_bytes_per_stream=0, round_processor_us=(5.0, 5.0, 5.0))
NCHAN = replace(FH, name="nchan", round_processor_us=(10.0, 10.0, 10.0))


def result(*figures, environments=1, **found):
    options = {"environments": environments, "spacing": "20 ms"}
    return as_result(
        Found(list(figures), **found), options=options, names=[each.name for each in figures]
    )


def reached(found):
    return {target.text: target.reached for target in found.targets}


def test_ratios_are_the_median_of_the_rounds():
    found = dict(ratios([FH, C, NCHAN]))
    assert found["cpu_vs_c"] == pytest.approx(1.1)
    assert found["cpu_vs_nchan"] == pytest.approx(0.55)
    assert found["memory_vs_nchan"] == 1
    assert "memory_vs_c" not in found  # nothing over nothing


def test_who_had_fewer_streams_is_not_compared_by_the_last_of_them():
    assert "last_vs_c" not in dict(ratios([FH, replace(C, streams=5)]))


def test_targets_are_reached_or_missed():
    assert set(reached(result(FH, C, NCHAN)).values()) == {True}
    slow = replace(FH, round_processor_us=(9.0, 9.0, 9.0), user_bytes_per_stream=1025)
    missed = reached(result(slow, C, NCHAN))
    assert [missed[name] for name in ("cpu_vs_c", "cpu_vs_nchan", "last_vs_c")] == [
        False,
        False,
        True,
    ]
    assert missed["user memory of a stream, bytes"] is False


def test_an_environment_may_have_memory_of_its_own_and_is_no_fan_out():
    (target,) = result(replace(FH, user_bytes_per_stream=3000), C, environments=10).targets[:1]
    assert target.limit == 1024 + 2048
    assert len(result(FH, C, environments=1000).targets) == 1


def test_without_a_peer_its_target_is_not_measured():
    assert reached(result(FH))["cpu_vs_nchan"] is None


@pytest.mark.parametrize(
    "fault", [{"missing": 1}, {"duplicates": 1}, {"ended_streams": 1}, {"wrong_outcomes": 1}]
)
def test_what_got_lost_spoils_the_figures_of_ours_and_is_noted_at_peers(fault):
    found = result(replace(FH, **fault), replace(NCHAN, **fault))
    assert len(found.spoiled) == 1
    assert found.spoiled[0].startswith("fh: 1 ")
    assert "the figures don't count" in found.rows[1].note


def test_a_share_of_the_strategy_that_chance_does_not_explain_is_a_fault():
    assert spoilt(replace(FH, streams=10_000, by_strategy=0.53))
    assert not spoilt(replace(FH, streams=10_000, by_strategy=0.51))


def test_who_took_no_part_is_a_row_and_who_should_have_spoils():
    found = result(FH, absent={"nchan": "not installed"}, failed={"c": "did not start: why"})
    assert [row.name for row in found.rows] == ["fh", "nchan", "c"]
    assert found.spoiled == ("c: did not start: why",)


def test_a_busy_client_is_told_of():
    assert any(
        "load client was busy" in text for text in result(replace(FH, client_share=0.95)).remarks
    )


def test_superseded_deliveries_are_told_of():
    assert any(
        "had taken their place" in text for text in result(replace(FH, superseded=4)).remarks
    )


def test_the_text_shows_the_figures():
    assert "1,234.5" in as_text(result(FH))


def test_nobody_at_all_is_a_result_without_charts():
    assert result(absent={"c": "no compiler"}).charts == ()

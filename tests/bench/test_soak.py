import pytest

from bench.live.sampling import Sample, Samples
from bench.soak import charts, grown, measure, targets

GROWING, FLAT = 1_000_000.0, 0.0


def samples(per_second):
    """A server of two programs, of which one grows by so many bytes each second."""
    return Samples(
        [
            Sample(
                float(second),
                {"party-server": int(100e6 + per_second * second), "postgres": int(20e6)},
                {"party-server": 50, "postgres": 30},
                0.0,
                streams=10.0,
                slow=float(second == 70),
                evicted=2.0,
                load=9.0,
            )
            for second in range(100)
        ]
    )


def test_a_server_that_does_not_grow_reaches_its_targets():
    assert all(target.reached for target in targets(samples(FLAT)))


def test_a_server_that_grows_misses_one():
    memory, files = targets(samples(GROWING))
    assert (memory.reached, files.reached) == (False, True)
    whole, party, postgres = grown(samples(GROWING))
    assert party.cells["memory +"] == pytest.approx(1_800, rel=0.01)
    assert postgres.cells["memory +"] == pytest.approx(0, abs=1e-6)
    assert whole.cells["memory"] == pytest.approx(100 + 20 + 59.5, rel=0.01)
    assert (whole.cells["slow"], whole.cells["evicted"]) == (1.0, 2.0)


def test_a_run_too_short_for_a_line_says_nothing_about_growth():
    few = Samples(samples(FLAT).taken[:2])
    assert [target.reached for target in targets(few)] == [None, None]
    assert targets(Samples())[0].reached is None
    assert charts(Samples().taken)


def test_charts_show_every_program_over_time():
    memory, files, streams = charts(samples(FLAT).taken)
    assert [line.name for line in memory.lines] == ["party-server", "postgres"]
    assert files.lines[0].y == (50.0,) * 100
    assert [line.y[0] for line in streams.lines] == [10.0, 9.0, 0.0]


def test_a_real_server_is_watched_while_streams_come_and_go(party_server, run_measured):
    options = {"minutes": 0.07, "rate": 10.0, "churn": 20.0}
    found = run_measured(measure, party_server.wanted(), options)
    assert found.spoiled == ()
    assert found.rows[0].cells["memory"] > 10
    assert found.rows[-1].cells["lost"] == 0
    assert found.rows[-1].cells["returns"] > 0
    assert len(found.charts[0].lines[0].x) >= 2  # one a second, if the machine has the time

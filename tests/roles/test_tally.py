"""Sums over processes that come and go: counters never fall, gauges are of the moment."""

from hypothesis import given
from hypothesis import strategies as st

from fh.edge.engine_statistics import EngineStatistics
from fh.edge.lag import LagMeter, LoopLag
from fh.edge.link import Figures
from fh.roles.tally import Tally


def engine(connections=0, accepted=0):
    return EngineStatistics(connections, connections, 0, accepted, 0, accepted, accepted)


def test_what_a_process_counted_outlives_it_and_its_connections_do_not():
    tally = Tally()
    tally.see(Figures(engine(5, 10), 2))
    assert (tally.engine, tally.patterns_cut_off) == (engine(5, 10), 2)
    tally.close()
    assert (tally.engine, tally.patterns_cut_off) == (engine(0, 10), 2)
    tally.see(Figures(engine(1, 1), 1))
    assert (tally.engine, tally.patterns_cut_off) == (engine(1, 11), 3)


def test_an_edge_that_began_a_new_life_goes_on_where_the_last_one_ended():
    tally = Tally()
    tally.see(Figures(engine(5, 10), 2))
    tally.see(Figures(engine(1, 3), 2))
    assert (tally.engine, tally.patterns_cut_off) == (engine(1, 13), 2)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.booleans())))
def test_counters_never_fall(steps):
    tally = Tally()
    before = 0
    for connections, accepted, ends in steps:
        tally.see(Figures(engine(connections, accepted), accepted))
        assert tally.engine.connections == connections
        if ends:
            tally.close()
            assert tally.engine.connections == 0
        assert tally.engine.accepted >= before
        before = tally.engine.accepted


def test_how_late_loops_were_outlives_a_process_and_how_late_one_is_does_not():
    meter = LagMeter()
    meter.note(0.25, 1.0)
    tally = Tally()
    tally.see(Figures(engine(), 0, meter.lag()))
    assert tally.lag == meter.lag()
    tally.close()
    assert tally.lag == LoopLag(meter.lag().durations, 0.0)
    tally.see(Figures(engine(), 0, meter.lag()))
    assert tally.lag == LoopLag(meter.lag().durations + meter.lag().durations, 0.25)

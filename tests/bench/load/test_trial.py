import sys

from bench.baselines.contestant import Contestant, Entry
from bench.baselines.frame import frame
from bench.load.trial import TrialPlan, open_trial

COMMAND = [sys.executable, "-m", "bench.baselines.broadcaster"]


def test_a_small_real_trial_has_all_figures():
    entry = Entry("python", COMMAND, "\r\n\r\n", lambda number: frame(number, 100))
    plan = TrialPlan(streams=50, pause_seconds=0)
    with Contestant(entry) as server, open_trial(server, plan) as trial:
        trial.play_round(2)
        trial.play_round(1)
        figures = trial.figures()
    assert (figures.name, figures.streams, figures.events) == ("python", 50, 3)
    assert (figures.missing, figures.duplicates, figures.ended_streams) == (0, 0, 0)
    assert (figures.by_strategy, figures.wrong_outcomes) == (None, 0)
    assert figures.bytes_per_delivery == len(frame(1, 100))
    assert figures.connects_per_second > 0
    assert figures.processor_us > 0
    assert len(figures.round_processor_us) == 2
    assert 0 < figures.latency_50_ms <= figures.latency_99_ms <= figures.latency_100_ms
    assert figures.user_bytes_per_stream is not None


def test_the_use_of_a_server_without_a_process_is_unknown():
    entry = Entry("python", COMMAND, "\r\n\r\n", lambda number: frame(number, 100))
    with Contestant(entry) as server:
        server.pids = ()
        with open_trial(server, TrialPlan(streams=5, pause_seconds=0)) as trial:
            trial.play_round(1)
            figures = trial.figures()
    assert figures.processor_us is figures.user_bytes_per_stream is None
    assert figures.round_processor_us == ()
    assert figures.missing == 0

import json

from bench.load.histogram import Histogram
from bench.load.live_counts import Counts, Figures, decode_figures, together


def figures(**parts):
    return Figures(live=2, met=3, processor_seconds=(0.5,), **parts)


def test_counts_are_added_and_taken_away():
    more, less = Counts(opened=3, back=1), Counts(opened=1)
    assert more.plus(less) == Counts(opened=4, back=1)
    assert more.since(less) == Counts(opened=2, back=1)


def test_only_what_no_client_should_be_told_is_wrong():
    assert Counts(opened=5, ended=4, refused=3, unavailable=2, duplicates=1).wrong == []
    wrong = Counts(back=1, gone=2, denied=3, garbled=4).wrong
    assert [text.split()[0] for text in wrong] == ["1", "2", "3", "4"]


def test_figures_come_through_json_as_they_were():
    latencies = Histogram()
    latencies.add(0.25)
    sent = figures(behind=1, counts=Counts(deliveries=7), latencies=latencies)
    told = decode_figures(json.loads(json.dumps(sent.encoded())))
    assert told.counts == sent.counts
    assert (told.live, told.met, told.behind) == (2, 3, 1)
    assert told.latencies.counted() == latencies.counted()
    assert told.latencies.longest == 0.25


def test_processes_have_reached_a_goal_when_the_last_has():
    first, second = figures(behind=0, reached_ns=5), figures(behind=0, reached_ns=9)
    whole = together([first, second])
    assert (whole.behind, whole.reached_ns, whole.live, whole.met) == (0, 9, 4, 6)
    assert whole.processor_seconds == (0.5, 0.5)
    behind = together([first, figures(behind=3)])
    assert (behind.behind, behind.reached_ns) == (3, 0)


def test_without_a_goal_nobody_is_behind():
    assert together([figures(), figures(behind=0)]).behind == -1

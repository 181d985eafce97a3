import pytest

from bench.live.verdict import Verdict, compare
from bench.load.live_counts import Counts
from bench.load.live_link import Held

TRUTH = [(3, 1), (7, 7)]


@pytest.mark.parametrize(
    ("held", "lost", "ahead"),
    [
        ([Held(0, (3, 1), 5), Held(1, (7, 7), 4)], 0, 0),
        ([Held(0, (2, 1), 5), Held(1, (7, 6), 4)], 9, 0),
        ([Held(0, (4, 1), 2)], 0, 2),
        ([Held(0, (4, 0), 2)], 2, 2),
        ([Held(1, (3, 1), 1)], 1, 0),
    ],
)
def test_every_stream_is_compared_with_the_truth_of_its_key(held, lost, ahead):
    assert compare(TRUTH, held) == (lost, ahead)


def test_a_verdict_says_all_that_is_wrong():
    assert Verdict(5, 0, 0, 0.1, Counts()).spoiled == ()
    spoiled = Verdict(5, 2, 1, None, Counts(back=3)).spoiled
    assert [text.split()[0] for text in spoiled] == ["3", "2", "1"]

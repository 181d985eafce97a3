import random

import pytest

from bench.live.slope import slope


def test_a_straight_line_is_found_exactly():
    line = slope([0, 1, 2, 10], [5, 7, 9, 25])
    assert line is not None
    assert line.per_second == pytest.approx(2)
    assert line.error == pytest.approx(0, abs=1e-9)
    assert line.over(30) == pytest.approx(60)


def test_the_error_says_how_far_a_noisy_line_may_be_off():
    noise = random.Random(7)
    seconds = [float(second) for second in range(500)]
    line = slope(seconds, [100 + 0.5 * each + noise.gauss(0, 20) for each in seconds])
    assert line is not None
    assert abs(line.per_second - 0.5) < 3 * line.error
    assert 0.001 < line.error < 0.02


@pytest.mark.parametrize(
    ("seconds", "figures"), [([], []), ([1, 2], [1, 2]), ([3, 3, 3], [1, 2, 3])]
)
def test_too_little_makes_no_line(seconds, figures):
    assert slope(seconds, figures) is None

from bench.start import ROWS, report


def run(seconds: float) -> dict[str, float]:
    return dict.fromkeys(ROWS, seconds)


def test_the_report_shows_medians_and_extremes() -> None:
    text = report([run(1.0), run(1.5), run(4.0)])
    assert "cold              1.50      1.00      4.00" in text


def test_the_report_says_which_targets_are_reached() -> None:
    text = report([run(3.0)])
    assert "cold start below 5 s: reached (3.00 s)" in text
    assert "warm start below 2 s: NOT reached (3.00 s)" in text

from bench.start import ROWS, as_result


def run(seconds: float) -> dict[str, float]:
    return dict.fromkeys(ROWS, seconds)


def test_the_result_holds_medians_and_extremes() -> None:
    found = as_result([run(1.0), run(1.5), run(4.0)])
    assert [row.name for row in found.rows] == list(ROWS)
    assert found.rows[1].cells == {"median s": 1.5, "least s": 1.0, "most s": 4.0}


def test_targets_are_reached_or_missed() -> None:
    found = as_result([run(3.0)])
    assert [target.reached for target in found.targets] == [True, False]

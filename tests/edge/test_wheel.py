from hypothesis import given
from hypothesis import strategies as st

from fh.edge.wheel import Wheel


@given(
    st.lists(st.floats(min_value=0, max_value=100), max_size=50),
    st.lists(st.floats(min_value=0, max_value=20), min_size=1, max_size=20),
)
def test_everything_is_due_once_and_never_early(deadlines: list[float], steps: list[float]) -> None:
    wheel: Wheel[int] = Wheel(0)
    for item, at in enumerate(deadlines):
        wheel.put(item, at)
    now, seen = 0.0, []
    for step in [*steps, 200]:
        now += step
        for item in wheel.due(now):
            assert deadlines[item] <= now
            seen.append(item)
    assert sorted(seen) == list(range(len(deadlines)))


def test_what_was_removed_is_not_due() -> None:
    wheel: Wheel[str] = Wheel(0)
    bucket = wheel.put("a", 3)
    wheel.put("b", 3)
    wheel.remove("a", bucket)
    wheel.remove("a", bucket)
    wheel.remove("never there", 17)
    assert list(wheel.due(3)) == ["b"]


def test_the_past_is_due_at_the_next_turn() -> None:
    wheel: Wheel[str] = Wheel(10)
    wheel.put("late", 3)
    assert list(wheel.due(10.9)) == []
    assert list(wheel.due(11)) == ["late"]

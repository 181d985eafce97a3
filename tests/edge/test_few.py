from hypothesis import given
from hypothesis import strategies as st

from fh.edge.few import Few

steps = st.lists(st.tuples(st.sampled_from("abc"), st.one_of(st.none(), st.integers())))


@given(steps)
def test_it_holds_what_a_dict_would(steps: list[tuple[str, int | None]]) -> None:
    few: Few[str, int] = Few()
    expected: dict[str, int] = {}
    for key, value in steps:
        if value is None:
            few.pop(key)
            expected.pop(key, None)
        else:
            few.put(key, value)
            expected[key] = value
        assert list(few.values()) == list(expected.values())
        assert [few.get(each) for each in "abc"] == [expected.get(each) for each in "abc"]
        assert (len(few), bool(few)) == (len(expected), bool(expected))

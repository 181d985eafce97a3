from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fh.strategies.evaluate import Matched, compile_strategies, need_time
from fh.strategies.patterns import CutOffs
from fh.strategies.rule import AttributeType, Conditional, ConditionSpec, Rule

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
ALL = 1_000_000
NZ = ConditionSpec("country", "EQUALS", "STRING", ("nz",))
IOS = ConditionSpec("platform", "EQUALS", "STRING", ("ios",))
MARY = {"userkey": ("mary",), "country": ("nz",)}


def matched(rules: list[Rule], context: dict, bucket: int | dict[str, int] = 0) -> str | None:
    """Return the id of the match, where all keys, or each, have the given bucket."""
    buckets = bucket if isinstance(bucket, dict) else {}
    strategies = compile_strategies(
        rules, CutOffs(), lambda key, _: buckets[key] if buckets else bucket
    )
    found = strategies.evaluate(context, "value-id", NOW)
    return found and found.strategy_id


def share(name: str, millionths: int | None, *conditions: ConditionSpec, by=()) -> Rule:
    return Rule(name, name.upper(), millionths, by, conditions)


def test_the_first_match_wins_and_brings_its_value() -> None:
    rules = [share("a", None, IOS), share("b", None, NZ), share("c", ALL)]
    found = compile_strategies(rules, CutOffs()).evaluate(MARY, "value-id", NOW)
    assert found == Matched("b", "B")


def test_without_strategies_nothing_matches() -> None:
    assert matched([], MARY) is None


def test_several_conditions_must_all_be_met() -> None:
    rules = [share("both", None, NZ, IOS)]
    assert matched(rules, MARY) is None
    assert matched(rules, MARY | {"platform": ("ios",)}) == "both"


@pytest.mark.parametrize(
    ("bucket", "expected"),
    [(0, "a"), (200_000, "a"), (200_001, "b"), (500_000, "b"), (500_001, None)],
)
def test_percentages_are_stacked_and_their_end_is_included(
    bucket: int, expected: str | None
) -> None:
    rules = [share("a", 200_000), share("b", 300_000)]
    assert matched(rules, MARY, bucket) == expected


def test_a_percentage_with_conditions_starts_at_the_first_bucket_and_adds_nothing() -> None:
    rules = [share("a", 200_000), share("b", 200_000, NZ), share("c", 100_000)]
    assert matched(rules, MARY, 200_001) == "c"
    assert matched(rules, MARY, 300_001) is None
    assert matched([share("b", 200_000, NZ)], MARY, 200_000) == "b"
    assert matched([share("b", 200_000, IOS)], MARY, 0) is None


def test_each_percentage_key_has_its_own_stack_however_they_alternate() -> None:
    rules = [
        share("a", 200_000),
        share("b", 200_000, by=("country",)),
        share("c", 200_000),
        share("d", 200_000, by=("country",)),
    ]
    assert matched(rules, MARY, {"mary": 400_000, "nz": 500_000}) == "c"
    assert matched(rules, MARY, {"mary": 500_000, "nz": 400_000}) == "d"
    assert matched(rules, MARY, {"mary": 500_000, "nz": 500_000}) is None


def test_percentage_attributes_need_no_user_and_may_be_missing() -> None:
    rules = [share("a", 500_000, by=("country", "company"))]
    assert matched(rules, {"country": ("nz",)}, {"nz$<none>": 500_000}) == "a"


def test_a_percentage_without_any_key_matches_nobody() -> None:
    context = {"country": ("nz",)}
    assert matched([share("a", ALL)], context) is None
    assert matched([share("a", ALL, NZ)], context) is None
    assert matched([share("a", 0, NZ)], context) == "a"


def test_no_percentage_and_no_conditions_match_nobody() -> None:
    assert matched([share("a", None)], MARY) is None


def test_a_percentage_of_nothing_is_no_percentage_beside_conditions() -> None:
    assert matched([share("a", 0, NZ)], MARY, 999_999) == "a"
    assert matched([share("a", 0, IOS)], MARY, 0) is None


def test_a_percentage_of_nothing_alone_still_holds_the_first_bucket() -> None:
    # The end is included, copied.
    assert matched([share("a", 0)], MARY, 0) == "a"
    assert matched([share("a", 0)], MARY, 1) is None


def test_the_bucket_goes_by_the_id_of_the_feature_value() -> None:
    # Ruling 17, copied: SDKs hash with the feature's id. fred falls into 212,628 with this one.
    context = {"userkey": ("fred",)}
    for millionths, expected in ((212_628, Matched("a", "A")), (212_627, None)):
        strategies = compile_strategies([share("a", millionths)], CutOffs())
        assert strategies.evaluate(context, "abcde", NOW) == expected


def test_a_bucket_is_looked_up_once_for_each_key() -> None:
    asked: list[tuple[str, str]] = []

    def bucket(key: str, value_id: str) -> int:
        asked.append((key, value_id))
        return ALL - 1

    rules = [share("a", 1), share("b", 1, by=("country",)), share("c", 1), share("d", 1, NZ)]
    assert compile_strategies(rules, CutOffs(), bucket).evaluate(MARY, "id", NOW) is None
    assert asked == [("mary", "id"), ("nz", "id")]


@pytest.mark.parametrize(
    ("field_name", "field_type", "expected"),
    [
        ("now", "DATE", True),
        ("NOW", "DATETIME", True),
        ("now", "STRING", False),
        ("then", "DATE", False),
    ],
)
def test_only_dates_that_are_compared_with_now_need_the_time(
    field_name: str, field_type: str, expected: bool
) -> None:
    condition = ConditionSpec(field_name, "LESS", field_type, ("2026-03-05",))
    assert need_time([share("a", ALL), share("b", None, NZ, condition)]) is expected


CONTEXTS = st.dictionaries(
    st.sampled_from(["userkey", "sessionkey", "country", "platform"]),
    st.lists(st.sampled_from(["nz", "ios", "", "mary", "\ud83d"]), max_size=2).map(tuple),
)
CONDITIONS = st.builds(
    ConditionSpec,
    st.sampled_from(["country", "platform", "now"]),
    st.sampled_from([*Conditional, "RESEMBLES"]),
    st.sampled_from([*AttributeType, "COLOUR"]),
    st.none() | st.lists(st.sampled_from(["nz", "ios", 1, None, "("]), max_size=2).map(tuple),
)
RULES = st.builds(
    Rule,
    st.text(max_size=2),
    st.integers(),
    st.none() | st.integers(-5, ALL + 5),
    st.lists(st.sampled_from(["country", "company"]), max_size=2).map(tuple),
    st.lists(CONDITIONS, max_size=2).map(tuple),
)
INDEPENDENT = st.lists(
    st.builds(
        lambda code: Rule(code, code, None, (), (ConditionSpec("c", "EQUALS", "STRING", (code,)),)),
        st.sampled_from("abcdef"),
    ),
    unique_by=lambda rule: rule.strategy_id,
)


@given(st.lists(RULES, max_size=5), CONTEXTS, st.text(max_size=3))
def test_no_input_raises_and_everybody_at_the_end_makes_everybody_match(
    rules: list[Rule], context: dict, value_id: str
) -> None:
    compile_strategies(rules, CutOffs()).evaluate(context, value_id, NOW)
    # Negative percentages could push the last one's range below the first bucket.
    rules = [rule for rule in rules if (rule.percentage_millionths or 0) >= 0]
    everybody = Rule("*", "*", ALL, ("country",))
    strategies = compile_strategies([*rules, everybody], CutOffs())
    assert strategies.evaluate(context, value_id, NOW) is not None


@given(st.data(), INDEPENDENT, st.sampled_from("abcdefg"))
def test_the_order_of_independent_rules_does_not_matter(data, rules, supplied) -> None:
    permuted = data.draw(st.permutations(rules))
    context = {"c": (supplied,)}
    assert matched(rules, context) == matched(permuted, context)


@pytest.mark.parametrize("promised", [(100_000, 300_000), (250_000, 250_000), (0, 700_000)])
def test_stacked_strategies_reach_as_many_as_they_promise(promised: tuple[int, int]) -> None:
    keys = 100_000
    rules = [share("a", promised[0]), share("b", promised[1])]
    strategies = compile_strategies(rules, CutOffs())
    reached = {"a": 0, "b": 0}
    for number in range(keys):
        found = strategies.evaluate({"userkey": (f"user-{number}",)}, "a-value", NOW)
        if found is not None and found.strategy_id is not None:
            reached[found.strategy_id] += 1
    assert reached["a"] / keys == pytest.approx(promised[0] / ALL, abs=0.005)
    assert reached["b"] / keys == pytest.approx(promised[1] / ALL, abs=0.005)

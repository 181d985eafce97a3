import pytest

from fh.strategies.match_version import compile_version
from fh.strategies.rule import Conditional


@pytest.mark.parametrize(
    ("conditional", "values", "supplied", "expected"),
    [
        (Conditional.EQUALS, ["2.0.1", "2.0.3"], "2.0.3", True),
        (Conditional.EQUALS, ["2.0"], "2", True),
        (Conditional.INCLUDES, ["2.0"], "2.0.1", False),
        (Conditional.NOT_EQUALS, ["2.0.3"], "2.0.3", False),
        (Conditional.NOT_EQUALS, ["2.0.1", "2.0.3"], "2.0.3", False),
        (Conditional.EXCLUDES, ["2.0.1"], "2.0.3", True),
        (Conditional.GREATER, ["2.0"], "2.1", True),
        (Conditional.GREATER, ["7.1.6", "3"], "7.1.6", True),
        (Conditional.GREATER, ["7.1.6"], "7.1.6", False),
        (Conditional.GREATER_EQUALS, ["1.2.0-beta"], "1.2.0", True),
        (Conditional.GREATER_EQUALS, ["7.1.6"], "7.1.2", False),
        (Conditional.LESS, ["1.10"], "1.9", True),
        (Conditional.LESS, [], "1.9", False),
        (Conditional.EXCLUDES, [], "1.9", True),
        (Conditional.GREATER, ["2-x", "1.8"], "1.9", True),
        (Conditional.LESS, ["1.8", "2-x"], "1.9", True),
        (Conditional.GREATER, ["1.8", "1.9"], "1.9-x", True),
        (Conditional.LESS_EQUALS, ["6.1.6"], "7.1.6", False),
        (Conditional.STARTS_WITH, ["7"], "7.1.6", False),
        (Conditional.ENDS_WITH, ["6"], "7.1.6", False),
        (Conditional.REGEX, [".*"], "7.1.6", False),
    ],
)
def test_versions_are_compared_by_order_only(conditional, values, supplied, expected) -> None:
    assert compile_version(conditional, values)(supplied) is expected


def test_any_value_suffices_although_the_order_goes_in_circles() -> None:
    circle = ["1.x", "1-alpha", "1"]
    for start, following in zip(circle, circle[1:] + circle[:1], strict=True):
        assert compile_version(Conditional.LESS, [following])(start)
        assert compile_version(Conditional.LESS, circle)(start)

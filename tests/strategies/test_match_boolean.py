import pytest

from fh.strategies.match_boolean import compile_boolean
from fh.strategies.rule import Conditional


@pytest.mark.parametrize("value", [True, "true"])
def test_true_is_the_text_true_only(value: object) -> None:
    # The text of a boolean as a value fails upstream; it works here.
    equals = compile_boolean(Conditional.EQUALS, [value])
    differs = compile_boolean(Conditional.NOT_EQUALS, [value])
    assert equals("true")
    assert not differs("true")
    for other in ("false", "TRUE", "yes", "1", ""):
        assert not equals(other)
        assert differs(other)


@pytest.mark.parametrize("value", [False, "false", "anything"])
def test_everything_else_is_false(value: object) -> None:
    assert compile_boolean(Conditional.EQUALS, [value])("nonsense")
    assert compile_boolean(Conditional.NOT_EQUALS, [value])("true")


def test_only_the_first_value_counts() -> None:
    assert not compile_boolean(Conditional.EQUALS, [False, True])("true")


@pytest.mark.parametrize("conditional", Conditional)
def test_a_value_that_is_no_boolean_meets_nothing(conditional: Conditional) -> None:
    for values in ([], [None], [1], [{}]):
        assert not compile_boolean(conditional, values)("true")


@pytest.mark.parametrize(
    "conditional", sorted(set(Conditional) - {Conditional.EQUALS, Conditional.NOT_EQUALS})
)
def test_booleans_have_no_order_and_no_text(conditional: Conditional) -> None:
    assert not compile_boolean(conditional, [True])("true")

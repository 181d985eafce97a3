import pytest

from fh.mr.attribute_rules import AttributeFault
from fh.mr.http.schemas.strategies import RolloutStrategyViolationType
from fh.mr.strategy_rules import StrategyFault


@pytest.mark.parametrize("fault", [*StrategyFault, *AttributeFault])
def test_every_fault_has_a_name_on_the_wire(fault):
    assert RolloutStrategyViolationType(fault).value == fault.value

import msgspec
import pytest
from msgspec import Raw

from fh.mr.attribute_rules import AttributeFault, attribute_faults, normalised
from fh.mr.rollout_strategy import (
    Conditional,
    FieldType,
    RolloutStrategy,
    RolloutStrategyAttribute,
)


def _attribute(
    field_type: FieldType | None, *values: object, **members
) -> RolloutStrategyAttribute:
    known = {"conditional": Conditional.EQUALS, "field_name": "f", "type": field_type}
    raw = tuple(Raw(msgspec.json.encode(value)) for value in values)
    return RolloutStrategyAttribute(**{**known, "values": raw, **members})


@pytest.mark.parametrize(
    ("field_type", "value"),
    [
        (FieldType.STRING, ""),
        (FieldType.BOOLEAN, False),
        (FieldType.NUMBER, -1.5),
        (FieldType.NUMBER, 0),
        (FieldType.SEMANTIC_VERSION, "0.10.2"),
        (FieldType.SEMANTIC_VERSION, "1.2.3-alpha.1.0a+build.007"),
        (FieldType.SEMANTIC_VERSION, "1.0.0-0A.is.legal"),
        (FieldType.DATE, "2024-02-29"),
        (FieldType.DATE, "2024-02-29+01:00"),
        (FieldType.DATETIME, "2007-12-03T10:15:30Z"),
        (FieldType.DATETIME, "2007-12-03T10:15:30.123+01:00"),
        (FieldType.IP_ADDRESS, "10.0.0.1"),
        (FieldType.IP_ADDRESS, "10.0.0.0/0"),
        (FieldType.IP_ADDRESS, "2001:db8::/128"),
    ],
)
def test_what_is_let_in(field_type, value):
    assert attribute_faults(_attribute(field_type, value)) == ()


@pytest.mark.parametrize(
    ("field_type", "value", "fault"),
    [
        (FieldType.SEMANTIC_VERSION, "1.2", AttributeFault.NOT_SEMANTIC_VERSION),
        (FieldType.SEMANTIC_VERSION, "01.2.3", AttributeFault.NOT_SEMANTIC_VERSION),
        (FieldType.SEMANTIC_VERSION, "1.2.3-01", AttributeFault.NOT_SEMANTIC_VERSION),
        (FieldType.SEMANTIC_VERSION, "1.2.3\n", AttributeFault.NOT_SEMANTIC_VERSION),
        (FieldType.SEMANTIC_VERSION, "v1.2.3", AttributeFault.NOT_SEMANTIC_VERSION),
        (FieldType.SEMANTIC_VERSION, 1, AttributeFault.NOT_SEMANTIC_VERSION),
        (FieldType.SEMANTIC_VERSION, None, AttributeFault.NOT_SEMANTIC_VERSION),
        (FieldType.NUMBER, "1", AttributeFault.NOT_NUMBER),
        (FieldType.NUMBER, True, AttributeFault.NOT_NUMBER),
        (FieldType.NUMBER, None, AttributeFault.NOT_NUMBER),
        (FieldType.DATE, "2023-02-29", AttributeFault.NOT_DATE),
        (FieldType.DATE, 20230228, AttributeFault.NOT_DATE),
        (FieldType.DATETIME, "2007-12-03T10:15:30", AttributeFault.NOT_DATE_TIME),
        (FieldType.DATETIME, "2007-12-03", AttributeFault.NOT_DATE_TIME),
        (FieldType.IP_ADDRESS, "10.0.0.1/33", AttributeFault.NOT_CIDR),
        (FieldType.IP_ADDRESS, "2001:db8::/129", AttributeFault.NOT_CIDR),
        (FieldType.IP_ADDRESS, "localhost", AttributeFault.NOT_CIDR),
        (FieldType.STRING, {"a": 1}, AttributeFault.UNKNOWN_FAILURE),
        (FieldType.BOOLEAN, [True], AttributeFault.UNKNOWN_FAILURE),
    ],
)
def test_what_is_refused_and_one_bad_value_suffices(field_type, value, fault):
    attribute = _attribute(field_type, value)
    [strategy] = normalised([RolloutStrategy(attributes=(attribute,))])
    assert attribute_faults(strategy.attributes[0]) == (fault,)


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ({"conditional": None}, AttributeFault.MISSING_CONDITIONAL),
        ({"field_name": None}, AttributeFault.MISSING_FIELD_NAME),
        ({"field_name": ""}, AttributeFault.MISSING_FIELD_NAME),
        ({"type": None}, AttributeFault.MISSING_FIELD_TYPE),
        ({"values": None}, AttributeFault.NO_VALUES),
        ({"values": ()}, AttributeFault.NO_VALUES),
    ],
)
def test_each_missing_member_has_its_fault(members, fault):
    assert attribute_faults(_attribute(FieldType.STRING, "x", **members)) == (fault,)


@pytest.mark.parametrize(
    ("field_type", "given", "kept"),
    [
        (FieldType.STRING, [" a ", 1.50, True, None], ["a", "1.5", "true"]),
        (FieldType.BOOLEAN, [True, "TRUE", "yes", 1, None], [True, True, False, False]),
        (FieldType.NUMBER, [1, None], [1, None]),
        (FieldType.DATE, [" 2020-01-01"], [" 2020-01-01"]),
    ],
)
def test_texts_and_switches_are_brought_into_one_form(field_type, given, kept):
    strategy = RolloutStrategy(attributes=(_attribute(field_type, *given),))
    [changed] = normalised([strategy])
    assert [msgspec.json.decode(value) for value in changed.attributes[0].values] == kept
    assert normalised([changed]) == (changed,)


def test_a_number_as_text_keeps_its_digits():
    attribute = _attribute(FieldType.STRING, values=(Raw(b" 1.50 "),))
    [changed] = normalised([RolloutStrategy(attributes=(attribute,))])
    assert changed.attributes[0].values == (Raw(b'"1.50"'),)


def test_strategies_without_attributes_are_left_alone():
    assert normalised([RolloutStrategy(id="a")]) == (RolloutStrategy(id="a"),)

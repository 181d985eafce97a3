import json

from bench.evaluators.examples import EXAMPLES, load_examples

MATCHER = {
    "kind": "matcher",
    "type": "NUMBER",
    "conditional": "EQUALS",
    "values": [5],
    "supplied": 5,
    "expected": True,
}
APPLY = {
    "kind": "apply",
    "strategies": [{"id": "a", "percentage": 100, "value": "x"}],
    "context": {"userkey": "fred", "colour": ["red", "blue"]},
    "featureId": "abc",
    "expected": {"matched": False},
}
PERCENTAGE = {"kind": "percentage", "percentageKey": "k", "featureId": "f", "expected": 1}


def test_without_its_file_there_is_no_case(tmp_path):
    assert load_examples(tmp_path / "nothing") is None


def test_each_example_has_its_own_strategies(tmp_path):
    file = tmp_path / "examples.json"
    fixed = {**APPLY, "fixedPercentage": 21}
    file.write_text(json.dumps({"vectors": [PERCENTAGE, MATCHER, fixed, APPLY]}))
    case = load_examples(file)
    assert case is not None
    assert case.name == EXAMPLES
    first, second = case.inputs
    assert (first.strategies, first.context) == (0, {"field": ["5"]})
    [[condition]] = [strategy["attributes"] for strategy in case.strategies[0]]
    assert condition == {
        "conditional": "EQUALS",
        "fieldName": "field",
        "type": "NUMBER",
        "values": (5,),
    }
    assert (second.strategies, second.value_id) == (1, "abc")
    assert second.context == {"userkey": ["fred"], "colour": ["red", "blue"]}

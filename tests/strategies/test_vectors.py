"""Upstream's own examples, its server's and its SDKs', from the file that collects them.

The file is not part of the repository; without it these tests are skipped. The other tests of this
package hold examples of every kind, so that nothing goes untested.
"""

import json
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from fh.strategies.conditions import compile_condition
from fh.strategies.evaluate import Matched, compile_strategies
from fh.strategies.patterns import CutOffs
from fh.strategies.percentage import bucket
from fh.strategies.rule import ConditionSpec, Rule

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
FILE = Path(__file__).resolve().parents[2] / ".." / "shared" / "strategy-vectors.json"
VECTORS = (
    json.loads(FILE.read_text(encoding="utf-8"), parse_float=Decimal)["vectors"]
    if FILE.exists()
    else []
)

SEARCHES = "the server matches the whole text, Go searches in it"
ANY_VALUE = "greater than any value suffices on the server, Go wants all of them"
ALL_VALUES = "less than any value suffices on the server, Go wants all of them"
NETWORK_SUPPLIED = "a network is no address: the server can't parse it, Go can"
TEXTUAL_VERSION = "the server compares versions by order only, Go as text too"

# Where a published SDK answers otherwise than the server, which decides here, and why.
CONTRADICTIONS = {
    f"sdk-go-matcher-{number}": reason
    for reason, numbers in {
        NETWORK_SUPPLIED: (467, 468, 473, 475),
        ANY_VALUE: (487, 514, 515, 519, 541, 544),
        ALL_VALUES: (481, 482, 485, 507, 511, 535),
        TEXTUAL_VERSION: (500, 502, 521, 523, 524),
        SEARCHES: (552,),
    }.items()
    for number in numbers
}


def text(value: object) -> str:
    """Return what a client context would carry for a value."""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def rule(strategy: dict) -> Rule:
    return Rule(
        strategy.get("id"),
        strategy.get("value"),
        strategy.get("percentage"),
        tuple(strategy.get("percentageAttributes") or ()),
        tuple(
            ConditionSpec(
                each["fieldName"], each["conditional"], each["type"], tuple(each["values"])
            )
            for each in strategy.get("attributes") or ()
        ),
    )


def context(supplied: dict) -> dict[str, tuple[str, ...]]:
    return {
        name: tuple(values) if isinstance(values, list) else (text(values),)
        for name, values in supplied.items()
    }


def agrees(vector: dict) -> bool:
    """Return whether we answer as the vector expects."""
    match vector["kind"]:
        case "percentage":
            return bucket(vector["percentageKey"], vector["featureId"]) == vector["expected"]
        case "matcher":
            condition = compile_condition(
                "field", vector["conditional"], vector["type"], vector["values"], CutOffs()
            )
            return condition.met_by((text(vector["supplied"]),), NOW) is vector["expected"]
        case "apply":
            fixed = vector.get("fixedPercentage")
            strategies = compile_strategies(
                map(rule, vector["strategies"]),
                CutOffs(),
                bucket if fixed is None else lambda _key, _id: fixed,
            )
            found = strategies.evaluate(context(vector["context"]), vector["featureId"], NOW)
            expected = vector["expected"]
            if not expected["matched"]:
                return found is None
            named = expected["strategyId"] or (found and found.strategy_id)
            return found == Matched(named, expected["value"])
        case kind:
            raise AssertionError(kind)


@pytest.mark.skipif(not VECTORS, reason="the collection of upstream's examples is not there")
class TestVectors:
    def test_the_servers_examples_all_hold(self) -> None:
        wrong = [
            each["id"] for each in VECTORS if each["authority"] == "server" and not agrees(each)
        ]
        assert wrong == []

    def test_sdk_examples_hold_unless_the_server_contradicts_them(self) -> None:
        wrong = {
            each["id"] for each in VECTORS if each["authority"] != "server" and not agrees(each)
        }
        assert wrong == set(CONTRADICTIONS)

    def test_the_collection_is_complete(self) -> None:
        assert Counter(each["kind"] for each in VECTORS) == {
            "matcher": 512,
            "apply": 48,
            "percentage": 4,
        }

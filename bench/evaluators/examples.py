"""The examples that upstream publishes in its own tests, as one more case.

The file that collects them is not part of the repository; without it the case is left out. Those
with a fixed percentage are, too: nothing but a test can fix it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.evaluators.cases import Attributes, Case, Input, Strategy, rule

DEFAULT_FILE = Path(__file__).resolve().parents[3] / "shared" / "strategy-vectors.json"
EXAMPLES = "published examples"
_FIELD = "field"
_VALUE_ID = "any"


def load_examples(file: Path = DEFAULT_FILE) -> Case | None:
    """Return the examples of `file`, `None` if it is not there."""
    if not file.exists():
        return None
    strategies: list[tuple[Strategy, ...]] = []
    inputs: list[Input] = []
    for vector in json.loads(file.read_text(encoding="utf-8"))["vectors"]:
        found = _example(vector)
        if found is not None:
            inputs.append(Input(len(strategies), vector.get("featureId", _VALUE_ID), found[1]))
            strategies.append(found[0])
    text = "what upstream's tests evaluate, where all evaluators agree"
    return Case(EXAMPLES, text, tuple(strategies), tuple(inputs))


def _example(vector: Mapping[str, Any]) -> tuple[tuple[Strategy, ...], Attributes] | None:
    match vector["kind"]:
        case "matcher":
            condition = rule(_FIELD, vector["conditional"], vector["type"], *vector["values"])
            strategy: Strategy = {"id": "it", "attributes": [condition], "value": "matched"}
            return (strategy,), {_FIELD: [_text(vector["supplied"])]}
        case "apply" if "fixedPercentage" not in vector:
            context = {
                name: values if isinstance(values, list) else [_text(values)]
                for name, values in vector["context"].items()
            }
            return tuple(vector["strategies"]), context
        case _:
            return None


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)

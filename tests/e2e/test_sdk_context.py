"""Contexts of awkward text, by every way in which they reach who evaluates."""

import pytest

from tests.e2e.admin import Project
from tests.e2e.party import Kind, Party

pytestmark = pytest.mark.e2e

# Attribute: what the context says, the condition, and what the condition wants.
AWKWARD = {
    "spaces": (["a b  c"], "EQUALS", "a b  c"),
    "umlauts": (["Grüße aus Ærø, 世界"], "STARTS_WITH", "Grüße aus Ærø"),
    "emoji": (["🚩👩‍👧"], "EQUALS", "🚩👩‍👧"),
    "signs": (["50% + 1 & a=b; c#d/e?f \"g\" 'h' \\ ~!()*"], "ENDS_WITH", "h' \\ ~!()*"),
    "escapes": (["100%25 %2C %zz +"], "EQUALS", "100%25 %2C %zz +"),
    "colours": (["himmelblau", "grün", "🚩 rot"], "EQUALS", "🚩 rot"),
}


def test_awkward_text_in_a_context_is_understood(
    party: Party, project: Project, kind: Kind
) -> None:
    if kind.evaluation == "server" and not kind.sends_context:
        pytest.skip("the Python SDK sends no context on a stream")
    for name, (_, conditional, wanted) in AWKWARD.items():
        condition = {
            "conditional": conditional,
            "fieldName": name,
            "type": "STRING",
            "values": [wanted],
        }
        strategy = {"name": name, "value": "met", "attributes": [condition]}
        project.create(name, "STRING", "not met")
        project.save(name, rolloutStrategies=[strategy])

    with kind.connect(party, project) as sdk:
        sdk.wait_for(
            "the strategies", lambda: all(sdk.versions(name)[-1:] == [2] for name in AWKWARD)
        )
        assert {feature.value for feature in sdk.snapshot().values()} == {"not met"}
        attributes = {name: values for name, (values, _, _) in AWKWARD.items()}
        if kind.is_python:
            # It takes the first of several values for all.
            del attributes["colours"]
        sdk.set_context(**attributes)
        for name in attributes:
            sdk.wait_value(name, "met")

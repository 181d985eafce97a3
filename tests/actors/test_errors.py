"""Refusals say what happened and carry it in fields."""

import pytest

from fh.actors import errors
from fh.errors import FeatureHubError


@pytest.mark.parametrize(
    ("error", "text", "fields"),
    [
        (
            errors.MailboxFull("env", 7),
            "the mailbox of env is full",
            {"actor": "env", "message": 7},
        ),
        (
            errors.ActorStopped("env", 7),
            "env has ended or is about to end",
            {"actor": "env", "message": 7},
        ),
        (
            errors.AskFailed("env", "it crashed"),
            "env did not answer: it crashed",
            {"actor": "env", "reason": "it crashed"},
        ),
        (
            errors.ChildBeyondRestart("dacha", "env"),
            "dacha gives up on env: no restart would mend it",
            {"supervisor": "dacha", "child": "env"},
        ),
        (errors.NameTaken("env"), "'env' is taken", {"name": "env"}),
        (
            errors.NoSuchChild("dacha", "env"),
            "dacha has no child env",
            {"supervisor": "dacha", "child": "env"},
        ),
        (
            errors.SupervisorNotRunning("dacha"),
            "dacha is not running",
            {"supervisor": "dacha"},
        ),
        (
            errors.ChildStartFailed("dacha", "env"),
            "dacha could not start env",
            {"supervisor": "dacha", "child": "env"},
        ),
        (
            errors.RestartIntensityExceeded("dacha", "env", 3, 5.0),
            "dacha gives up on env: more than 3 restarts within 5 s",
            {"supervisor": "dacha", "child": "env", "restarts": 3, "within_seconds": 5.0},
        ),
    ],
)
def test_every_refusal_has_a_sentence_and_fields(error, text, fields):
    assert str(error) == text
    assert vars(error) == fields
    assert isinstance(error, errors.ActorError)
    assert isinstance(error, FeatureHubError)

import inspect

import pytest

from fh.errors import FeatureHubError
from fh.mr import errors


def test_every_refusal_has_a_status():
    declared = {
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if kind.__module__ == errors.__name__
    }
    assert declared <= set(errors.REFUSALS)
    assert all(issubclass(kind, FeatureHubError) for kind in errors.REFUSALS)


@pytest.mark.parametrize(
    ("refusal", "text"),
    [
        (errors.NotFound("group"), "There is no such group."),
        (errors.AlreadyExists("portfolio", "name"), "There is already such a portfolio."),
        (errors.OrderTaken(), "Another group has, or had, this order."),
        (errors.VersionConflict("feature"), "The feature was changed since you read it."),
        (
            errors.VersionMissing("feature"),
            "Send the version that you read. The feature is there already.",
        ),
        (errors.Locked("dark-mode"), "The feature dark-mode is locked."),
        (errors.Locked("dark-mode", "test"), "The feature dark-mode is locked in test."),
        (errors.Invalid("name", "It is blank."), "It is blank."),
        (errors.Forbidden(), "You may not do this."),
    ],
)
def test_a_refusal_says_what_happened(refusal, text):
    assert str(refusal) == text

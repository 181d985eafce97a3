import pytest

from fh.config import Secret
from fh.mr.errors import Invalid
from fh.mr.sealed_settings import PLACEHOLDER, Unsealed
from fh.mr.sealed_text import SealedText
from fh.mr.settings import MrSettings
from fh.mr.system_config import (
    Skipped,
    secret_of,
    shown_value,
    site_settings,
    value_to_store,
)
from fh.mr.webhook_targets import parse_networks

SLACK = MrSettings(secrets_password=Secret("x"))
KNOWN = site_settings(SLACK)
SEALED = {"xoxb": SealedText("cipher", "salt")}
SITE_KEYS = {"site.url", "site.enabledRobots", "site.redirectInvalidHosts"}
SLACK_KEYS = {
    "slack.enabled",
    "slack.bearerToken",
    "slack.defaultChannel",
    "slack.messageFormat.featureChange",
}
DELIVERY_KEYS = {"slack.delivery.url", "slack.delivery.headers", "slack.delivery.prefixes"}


@pytest.mark.parametrize(
    ("settings", "keys"),
    [
        (MrSettings(), SITE_KEYS),
        (SLACK, SITE_KEYS | SLACK_KEYS | DELIVERY_KEYS),
        (MrSettings(secrets_password=Secret("x"), slack_enabled=False), SITE_KEYS),
        (
            MrSettings(secrets_password=Secret("x"), slack_delivery_url="https://x"),
            SITE_KEYS | SLACK_KEYS,
        ),
        (
            MrSettings(secrets_password=Secret("x"), slack_delivery_internal=True),
            SITE_KEYS | SLACK_KEYS,
        ),
    ],
)
def test_which_settings_there_are(settings, keys):
    assert set(site_settings(settings)) == keys


def store(key, sent, stored=None, sealed=SEALED, allowed=()):
    return value_to_store(KNOWN[key], sent, stored, sealed, allowed)


@pytest.mark.parametrize(
    ("key", "sent"),
    [
        ("site.url", "https://flags.example.com"),
        ("site.url", None),
        ("slack.enabled", True),
        ("slack.enabled", None),
        ("slack.delivery.url", ""),
        ("slack.delivery.url", "https://relay.example.com/slack"),
        ("slack.bearerToken", None),
        ("slack.delivery.headers", None),
    ],
)
def test_plain_values_are_stored_as_they_are(key, sent):
    assert store(key, sent) == sent


@pytest.mark.parametrize(
    ("key", "sent"),
    [
        ("site.url", 1),
        ("site.url", ["x"]),
        ("site.url", "x" * 10_001),
        ("slack.enabled", "true"),
        ("slack.enabled", 1),
        ("slack.bearerToken", True),
        ("slack.delivery.url", None),
        ("slack.delivery.url", "ftp://example.com"),
        ("slack.delivery.url", "nats://example.com"),
        ("slack.delivery.url", "http://127.0.0.1:8701/"),
        ("slack.delivery.headers", "x"),
        ("slack.delivery.headers", {"a": 1}),
        ("slack.delivery.headers", {"k" * 256: "x"}),
    ],
)
def test_what_is_no_value_of_a_setting_is_refused(key, sent):
    with pytest.raises(Invalid):
        store(key, sent)


def test_networks_can_be_allowed_for_deliveries():
    url = "http://localhost:3000/slack"
    assert store("slack.delivery.url", url, allowed=parse_networks("127.0.0.0/8")) == url


def test_a_secret_is_sealed_in_one_line_and_never_shown():
    assert store("slack.bearerToken", "xoxb", sealed={}) == Unsealed(frozenset({"xoxb"}))
    assert store("slack.bearerToken", "xoxb") == "salt\tcipher"
    known = KNOWN["slack.bearerToken"]
    assert shown_value(known, "salt\tcipher") == PLACEHOLDER
    assert shown_value(known, None) is None
    assert secret_of(known, "salt\tcipher", None) == SEALED["xoxb"]
    assert secret_of(known, "plain", None) == SealedText("plain", "")
    assert secret_of(known, None, None) is None


def test_an_empty_secret_is_none():
    assert store("slack.bearerToken", "", stored="salt\tcipher", sealed={}) is None


def test_a_placeholder_and_what_is_fixed_change_nothing():
    assert store("slack.bearerToken", PLACEHOLDER) == Skipped()
    assert store("slack.delivery.prefixes", ["x"]) == Skipped()


def test_secrets_in_a_map():
    listed = {"slack.delivery.headers.encrypt": "Authorization"}
    sent = {"Authorization": "xoxb", "X-Plain": "1", "slack.encrypted": ""} | listed
    key, known = "slack.delivery.headers", KNOWN["slack.delivery.headers"]
    assert store(key, sent, sealed={}) == Unsealed(frozenset({"xoxb"}))
    stored = store(key, sent)
    assert shown_value(known, stored) == {
        "Authorization": PLACEHOLDER,
        "X-Plain": "1",
        **listed,
    }
    assert secret_of(known, stored, "Authorization") == SEALED["xoxb"]
    assert secret_of(known, stored, "X-Plain") is None
    assert secret_of(known, stored, None) is None
    assert store(key, {"Authorization": PLACEHOLDER}, stored, {}) == stored
    gone = store(key, {"slack.delivery.headers.deleted": "Authorization, X-Plain"}, stored, {})
    assert gone == listed


def test_what_is_no_secret_has_none():
    assert secret_of(KNOWN["site.url"], "https://x", None) is None
    assert shown_value(KNOWN["site.url"], "https://x") == "https://x"
    assert shown_value(KNOWN["slack.enabled"], stored=True) is True

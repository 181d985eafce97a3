import pytest

from fh.mr.errors import Invalid
from fh.mr.sealed_settings import PLACEHOLDER
from fh.mr.webhook_settings import check_webhook_settings
from fh.mr.webhook_targets import parse_networks


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"webhook.features.endpoint": ""},
        {"webhook.features.endpoint": PLACEHOLDER},
        {"webhook.features.endpoint": "https://example.com/hook"},
        {"webhook.features.endpoint.deleted": "true"},
        {"webhook.features.headers.x-token": "caf\u00e9"},
        {"webhook.features.headers.x-token": "a\tb c", "webhook.features.headers.empty": ""},
        {"webhook.features.headers.bad name.deleted": "true"},
        {"webhook.features.header.any thing": "\n", "webhook.messages.enabled": "true"},
        {"integration.slack.token": "x"},
    ],
)
def test_what_can_be_set(settings):
    check_webhook_settings("f", settings, ())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("webhook.features.endpoint", "http://127.0.0.1/"),
        ("webhook.features.endpoint", "no url"),
        ("webhook.features.headers.", "x"),
        ("webhook.features.headers.a b", "x"),
        ("webhook.features.headers.Host", "x"),
        ("webhook.features.headers.content-length", "1"),
        ("webhook.features.headers.a", "x\r\nb: c"),
        ("webhook.features.headers.a", "x\n"),
        ("webhook.features.headers.a", "\0"),
        ("webhook.features.headers.a", "\x7f"),
        ("webhook.features.headers.a", "\x85"),
        ("webhook.features.headers.a", "\u20ac 5"),
        ("webhook.features.headers.a", "\U0001f600"),
    ],
)
def test_what_nothing_could_be_sent_with_is_refused(key, value):
    with pytest.raises(Invalid) as caught:
        check_webhook_settings("f", {key: value}, ())
    assert caught.value.field == f"f.{key}"


def test_an_operator_can_allow_more():
    settings = {"webhook.features.endpoint": "http://localhost:3000/hook"}
    check_webhook_settings("f", settings, parse_networks("127.0.0.0/8"))

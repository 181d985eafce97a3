"""The settings of the whole site: which there are, what they may be, what is shown of them.

Source: section 8.8 of the admin contract.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, TypeAlias

from fh.mr.errors import Invalid
from fh.mr.sealed_settings import (
    LONGEST_VALUE_CHARACTERS,
    PLACEHOLDER,
    Unsealed,
    check_settings,
    merged,
    sealed_values,
    shown,
)
from fh.mr.sealed_text import SealedText
from fh.mr.settings import MrSettings
from fh.mr.webhook_targets import Network, why_refused

DELIVERY_PREFIXES: Final = ("http://", "https://")
"""What a URL may begin with to which somebody else's Slack messages are sent."""

SLACK_DELIVERY_URL: Final = "slack.delivery.url"

Value: TypeAlias = str | bool | Mapping[str, str] | Sequence[str] | None
"""The value of a setting, as it is stored or sent."""


class Kind(Enum):
    """What the value of a setting is."""

    TEXT = auto()
    SWITCH = auto()
    MAP = auto()
    FIXED = auto()


@dataclass(frozen=True, slots=True)
class SiteSetting:
    """One setting of the site.

    Attributes:
        is_secret: Whether its value, or those in its map that are listed, is kept sealed.
        is_shown_unset: Whether it is listed with its default before anybody set it.
    """

    key: str
    kind: Kind
    is_secret: bool = False
    is_shown_unset: bool = True
    default: Value = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """Nothing changes: clients send the placeholder of a secret that they leave alone."""


_SITE: Final = (
    SiteSetting("site.url", Kind.TEXT, default="http://localhost:8085"),
    SiteSetting("site.enabledRobots", Kind.SWITCH, is_shown_unset=False, default=False),
    SiteSetting("site.redirectInvalidHosts", Kind.SWITCH, is_shown_unset=False, default=False),
)
_SLACK: Final = (
    SiteSetting("slack.enabled", Kind.SWITCH, default=False),
    SiteSetting("slack.bearerToken", Kind.TEXT, is_secret=True),
    SiteSetting("slack.defaultChannel", Kind.TEXT),
    SiteSetting("slack.messageFormat.featureChange", Kind.TEXT),
)
_DELIVERY: Final = (
    SiteSetting(SLACK_DELIVERY_URL, Kind.TEXT),
    # The default is what clients know as a map without any secret.
    SiteSetting(
        "slack.delivery.headers", Kind.MAP, is_secret=True, default={"slack.encrypted": ""}
    ),
    SiteSetting("slack.delivery.prefixes", Kind.FIXED, default=DELIVERY_PREFIXES),
)


def site_settings(settings: MrSettings) -> Mapping[str, SiteSetting]:
    """Return the settings that there are by their keys."""
    known = list(_SITE)
    if settings.slack_is_active:
        known += _SLACK
        if not settings.slack_delivery_url and not settings.slack_delivery_internal:
            known += _DELIVERY
    return {one.key: one for one in known}


def value_to_store(
    known: SiteSetting,
    sent: object,
    stored: Value,
    sealed: Mapping[str, SealedText],
    allowed: Sequence[Network],
) -> Value | Skipped | Unsealed:
    """Return what to store when `sent` comes in; `sealed` are the texts sealed so far.

    Raises:
        Invalid: it is no value of that setting.
    """
    match known.kind:
        case Kind.FIXED:
            return Skipped()
        case Kind.SWITCH:
            if sent is not None and not isinstance(sent, bool):
                raise Invalid("value", "Expected true or false.")
            return sent
        case Kind.TEXT:
            return _text_to_store(known, sent, sealed, allowed)
        case Kind.MAP:
            return _map_to_store(known, sent, stored, sealed)


def shown_value(known: SiteSetting, stored: Value) -> Value:
    """Return what clients see."""
    match known.kind:
        case Kind.TEXT if known.is_secret and stored is not None:
            return PLACEHOLDER
        case Kind.MAP if isinstance(stored, Mapping):
            return shown(stored)
        case _:
            return stored


def secret_of(known: SiteSetting, stored: Value, map_key: str | None) -> SealedText | None:
    """Return the secret in a setting, in a map that under `map_key`; None where there is none."""
    match known.kind:
        case Kind.TEXT if known.is_secret and isinstance(stored, str):
            return SealedText.from_line(stored)
        case Kind.MAP if isinstance(stored, Mapping) and map_key is not None:
            return sealed_values(stored).get(map_key)
        case _:
            return None


def _text_to_store(
    known: SiteSetting,
    sent: object,
    sealed: Mapping[str, SealedText],
    allowed: Sequence[Network],
) -> Value | Skipped | Unsealed:
    if sent is not None and not isinstance(sent, str):
        raise Invalid("value", "Expected a text.")
    if sent is not None and len(sent) > LONGEST_VALUE_CHARACTERS:
        raise Invalid("value", f"At most {LONGEST_VALUE_CHARACTERS} characters.")
    if known.key == SLACK_DELIVERY_URL:
        _check_delivery_url(sent, allowed)
    if not known.is_secret:
        return sent
    if not sent:
        return None  # nothing is no secret, and must not be shown as one
    if sent == PLACEHOLDER:
        return Skipped()
    if sent not in sealed:
        return Unsealed(frozenset({sent}))
    return sealed[sent].as_line()


def _map_to_store(
    known: SiteSetting, sent: object, stored: Value, sealed: Mapping[str, SealedText]
) -> Value | Unsealed:
    if sent is None:
        return None
    if not isinstance(sent, dict) or not all(isinstance(one, str) for one in sent.values()):
        raise Invalid("value", "Expected texts by name.")
    check_settings("value", sent)
    deleted = sent.get(f"{known.key}.deleted", "")
    wanted = {key: text for key, text in sent.items() if not key.endswith(".deleted")}
    wanted |= {f"{name.strip()}.deleted": "" for name in deleted.split(",") if name.strip()}
    before = stored if isinstance(stored, Mapping) else {}
    result = merged(before, wanted, sealed)
    if not isinstance(result, Unsealed):
        check_settings("value", dict.fromkeys(result, ""))
    return result


def _check_delivery_url(url: str | None, allowed: Sequence[Network]) -> None:
    if url is None or (url and not url.startswith(DELIVERY_PREFIXES)):
        raise Invalid("value", f"Expected a URL that begins with {' or '.join(DELIVERY_PREFIXES)}.")
    if url and (reason := why_refused(url, allowed)):
        raise Invalid("value", reason)

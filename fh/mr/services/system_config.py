"""The settings of the whole site: superusers read and change them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fh.db.port import Transaction
from fh.mr.access import Caller, may_configure_site
from fh.mr.errors import Forbidden, Invalid, NotFound
from fh.mr.repositories import system_config as repository
from fh.mr.repositories.system_config import StoredSetting
from fh.mr.sealed_settings import Unsealed
from fh.mr.sealed_text import SealedText
from fh.mr.services.stored_secrets import SealFirst
from fh.mr.settings import MrSettings
from fh.mr.system_config import (
    Kind,
    SiteSetting,
    Skipped,
    Value,
    secret_of,
    shown_value,
    site_settings,
    value_to_store,
)

NEVER_SET: Final = -1
"""The version of a setting that nobody set."""


@dataclass(frozen=True, slots=True)
class ShownSetting:
    """A setting as clients see it."""

    setting: SiteSetting
    version: int = NEVER_SET
    value: Value = None


@dataclass(frozen=True, slots=True)
class SentSetting:
    """What a client wants a setting to be, and the version it was looking at."""

    key: str
    version: int | None
    value: object


async def load_site_settings(
    tx: Transaction, caller: Caller, prefixes: Sequence[str], settings: MrSettings
) -> Sequence[ShownSetting]:
    """Return the settings whose keys begin with one of `prefixes`, with their values.

    Without prefixes only which there are.

    Raises:
        NotFound: nobody can change settings here.
        Forbidden: the caller is no superuser.
    """
    known = _known(caller, settings)
    if not prefixes:
        return [ShownSetting(one) for one in known.values()]
    stored = await repository.load_settings(tx)
    chosen = [one for one in known.values() if one.key.startswith(tuple(prefixes))]
    return [
        _shown(one, stored.get(one.key))
        for one in chosen
        if one.key in stored or one.is_shown_unset
    ]


async def save_site_settings(
    tx: Transaction,
    caller: Caller,
    sent: Sequence[SentSetting],
    settings: MrSettings,
    sealed: Mapping[str, SealedText],
) -> Sequence[ShownSetting]:
    """Change settings; return those that were. Unknown and stale ones are passed over.

    Raises:
        NotFound: nobody can change settings here.
        Forbidden: the caller is no superuser.
        Invalid: one can't have that value; nothing was written.
        SealFirst: there are secrets to seal; nothing was written.
    """
    known = _known(caller, settings)
    stored = await repository.lock_settings(tx)
    values: dict[str, Value] = {}
    unsealed: set[str] = set()
    for index, one in enumerate(sent):
        current = stored.get(one.key)
        is_stale = current is not None and current.version != one.version
        if one.key not in known or one.key in values or is_stale:
            continue
        try:
            value = value_to_store(
                known[one.key],
                one.value,
                None if current is None else current.value,
                sealed,
                settings.webhook_networks,
            )
        except Invalid as refused:
            raise Invalid(f"configs[{index}].{refused.field}", refused.reason) from refused
        if isinstance(value, Unsealed):
            unsealed |= value.texts
        elif not isinstance(value, Skipped):
            values[one.key] = value
    if unsealed:
        raise SealFirst(unsealed)
    saved = await repository.save_settings(tx, values, caller.person_id)
    return [_shown(known[key], saved[key]) for key in values]


async def find_secret(
    tx: Transaction, caller: Caller, key: str, map_key: str | None, settings: MrSettings
) -> SealedText | None:
    """Return the secret in a setting; None where it has none, or nobody set it.

    Raises:
        NotFound: there is no such setting, or secrets are not to be shown.
        Forbidden: the caller is no superuser.
    """
    known = _known(caller, settings).get(key)
    if known is None or not settings.secrets_can_be_read:
        raise NotFound("setting")
    stored = (await repository.load_settings(tx)).get(key)
    return None if stored is None else secret_of(known, stored.value, map_key)


async def redirect_slack(tx: Transaction, url: str | None) -> None:
    """Have Slack's messages sent elsewhere, or to Slack again."""
    await repository.save_settings(tx, {repository.SLACK_REDIRECT: url}, None)


def _known(caller: Caller, settings: MrSettings) -> Mapping[str, SiteSetting]:
    if not settings.system_config_enabled:
        raise NotFound("setting")
    if not may_configure_site(caller):
        raise Forbidden
    return site_settings(settings)


def _shown(known: SiteSetting, stored: StoredSetting | None) -> ShownSetting:
    if stored is None or known.kind is Kind.FIXED:
        return ShownSetting(known, value=known.default)
    return ShownSetting(known, stored.version, shown_value(known, stored.value))

"""The rows of system_config."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from fh.db.port import Row, Transaction
from fh.model.ids import PersonId
from fh.mr.system_config import Value

SLACK_REDIRECT: Final = "testing.slack-url"
"""Where tests have Slack messages sent; it is listed nowhere."""


@dataclass(frozen=True, slots=True)
class StoredSetting:
    """A setting that somebody set."""

    value: Value
    version: int


_ALL = "SELECT key, value::text, version FROM system_config ORDER BY key"

# Writers come one after the other; readers don't wait for them.
_LOCK = "LOCK TABLE system_config IN SHARE ROW EXCLUSIVE MODE"

_SAVE = """
INSERT INTO system_config (key, value, who_updated)
SELECT key, value::jsonb, $3 FROM unnest($1::text[], $2::text[]) AS sent (key, value)
ON CONFLICT (key) DO UPDATE
SET value = excluded.value, who_updated = excluded.who_updated, when_updated = now(),
    version = system_config.version + 1
RETURNING key, value::text, version
"""


async def load_settings(tx: Transaction) -> Mapping[str, StoredSetting]:
    """Return all settings that were ever set by their keys."""
    return {row["key"]: _stored(row) for row in await tx.fetch(_ALL)}


async def lock_settings(tx: Transaction) -> Mapping[str, StoredSetting]:
    """Return all settings; until the transaction ends nobody else writes them."""
    await tx.execute(_LOCK)
    return await load_settings(tx)


async def save_settings(
    tx: Transaction, values: Mapping[str, Value], author: PersonId | None
) -> Mapping[str, StoredSetting]:
    """Write the first or next version of settings; return them."""
    if not values:
        return {}
    encoded = [msgspec.json.encode(value).decode() for value in values.values()]
    rows = await tx.fetch(_SAVE, list(values), encoded, author)
    return {row["key"]: _stored(row) for row in rows}


def _stored(row: Row) -> StoredSetting:
    text = row["value"]
    return StoredSetting(None if text is None else msgspec.json.decode(text), row["version"])

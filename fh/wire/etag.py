"""The etag of a poll, which is also the id of a stream's `features` event.

    "<environment tag>[;<environment tag>…][//<context tag>]"

Source: sections 1.4 and 5.3 of the data plane's contract. The context's tag is ours:
`docs/decisions/0023-a-context-has-a-long-tag.md`.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence

import msgspec

from fh.contracts.published import CacheEnvironmentFeature
from fh.wire.context_header import ClientContext

EMPTY_CONTEXT_TAG = "0"
UNKNOWN_KEY_TAG = "0"

_CONTEXT_DIGITS = 32


def environment_etag(features: Iterable[CacheEnvironmentFeature]) -> str:
    """Return the digest of the versions of `features`, 32 hexadecimal digits, order as given."""
    listed = tuple(features)
    # A tenth of the time that as many calls of UUID.__str__ take.
    ids = msgspec.to_builtins([feature.feature.id for feature in listed])
    text = "-".join(
        [
            f"{feature_id}{feature.feature.version}-"
            f"{'0000' if feature.value is None else feature.value.version}"
            for feature_id, feature in zip(ids, listed, strict=True)
        ]
    )
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def context_tag(context: ClientContext) -> str:
    """Return the tag of a client context: `0` for none, else 32 hexadecimal digits.

    They are of a SHA-256, whatever the order of the attributes: whoever can find two contexts with
    one tag has one user told that what is known of another is still right.
    """
    if not context:
        return EMPTY_CONTEXT_TAG
    # JSON tells apart what a joined text would not, and takes any text.
    text = json.dumps(sorted(context.items()), separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_CONTEXT_DIGITS]


def encode_etag(environment_tags: Sequence[str], tag_of_context: str) -> str:
    """Return the etag without its quotes."""
    tags = ";".join(environment_tags)
    return tags if tag_of_context == EMPTY_CONTEXT_TAG else f"{tags}//{tag_of_context}"


def parse_if_none_match(text: str | None, keys: int, tag_of_context: str) -> tuple[str, ...] | None:
    """Return one environment tag for each of `keys` keys, or None: then send everything."""
    if text is None or len(text) < len('""') or text[0] != '"' or text[-1] != '"':
        return None
    parts = text[1:-1].split("//")
    wanted = parts[1] if len(parts) == len(("tags", "context")) else EMPTY_CONTEXT_TAG
    if wanted != tag_of_context:
        return None
    tags = tuple(tag for tag in parts[0].split(";") if tag)
    return tags if len(tags) == keys else None


def parse_last_event_id(text: str | None, tag_of_context: str) -> str | None:
    """Return the environment tag that a reconnecting stream holds, or None.

    SDKs and browsers send the id back as they got it, without quotes.
    """
    if text is None:
        return None
    quoted = text if text.startswith('"') else f'"{text}"'
    tags = parse_if_none_match(quoted, 1, tag_of_context)
    return tags[0] if tags else None

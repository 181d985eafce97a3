"""The etag of a poll, which is also the id of a stream's `features` event.

    "<environment tag>[;<environment tag>…][//<context tag>]"

Source: sections 1.4 and 5.3 of the data plane's contract.
"""

import hashlib
from collections.abc import Iterable, Sequence

import msgspec

from fh.contracts.published import CacheEnvironmentFeature
from fh.wire.context_header import ClientContext

EMPTY_CONTEXT_TAG = "0"
UNKNOWN_KEY_TAG = "0"

_MASK = 0xFFFF_FFFF


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
    """Return the tag of a client context: `0` for none, else up to 8 hexadecimal digits.

    It is the hash code of the Java map that holds the context, so that nodes of both kinds can
    stand behind one load balancer.
    """
    total = 0
    for name, values in context.items():
        list_hash = 1
        for value in values:
            list_hash = (31 * list_hash + _java_hash(value)) & _MASK
        total += _java_hash(name) ^ list_hash
    return f"{total & _MASK:x}"


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


def _java_hash(text: str) -> int:
    result = 0
    units = text.encode("utf-16-be", errors="surrogatepass")
    for index in range(0, len(units), 2):
        result = (31 * result + (units[index] << 8 | units[index + 1])) & _MASK
    return result

"""The answer to `GET /features`, decided from what Dacha says of each key.

Source: sections 1.2, 1.4 and 1.6 of the data plane's contract, with its rulings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fh.contracts.answers import Denied, Granted, KeyAnswer, NotReady
from fh.edge.encoded import EncodedViews
from fh.edge.request import Poll
from fh.edge.response import NO_STORE
from fh.model.sdk_key import SdkKey
from fh.wire.etag import UNKNOWN_KEY_TAG, context_tag, encode_etag, parse_if_none_match
from fh.wire.sdk_json import Evaluation, encode_environment

_NOTHING = b"[]"


@dataclass(frozen=True, slots=True)
class PollAnswer:
    """Status, headers and body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""


def answer_poll(
    poll: Poll, answers: Mapping[SdkKey, KeyAnswer], views: EncodedViews, cache_control: str
) -> PollAnswer:
    """Return the answer to `poll`; `cache_control` is the operator's, empty for none.

    One key that can't be answered for now makes the whole answer a 503: an empty list would
    tell SDKs to delete what they have.
    """
    found = [answers[key] for key in poll.keys]
    if any(isinstance(answer, NotReady) for answer in found):
        return PollAnswer(
            503,
            (("content-type", "text/plain"), ("cache-control", NO_STORE), ("retry-after", "1")),
            b"cache layer not ready, try again shortly",
        )
    control = ("cache-control", _cache_control(found, cache_control))
    if all(isinstance(answer, Denied) for answer in found):
        return PollAnswer(404, (control,))
    tag_of_context = context_tag(poll.context)
    tags = [answer.etag if isinstance(answer, Granted) else UNKNOWN_KEY_TAG for answer in found]
    known = parse_if_none_match(poll.if_none_match, len(tags), tag_of_context)
    if known == tuple(tags):
        assert poll.if_none_match is not None
        return PollAnswer(304, (("etag", poll.if_none_match), control))
    environments = [
        encode_environment(
            key.environment_id,
            views.features(answer, evaluation_of(key), poll.context)
            if isinstance(answer, Granted)
            else _NOTHING,
        )
        for key, answer in zip(poll.keys, found, strict=True)
    ]
    etag = f'"{encode_etag(tags, tag_of_context)}"'
    return PollAnswer(
        200,
        (("content-type", "application/json"), ("etag", etag), control),
        b"[%b]" % b",".join(environments),
    )


def evaluation_of(key: SdkKey) -> Evaluation:
    """Return who applies the strategies for an SDK with `key`."""
    return Evaluation.CLIENT if key.client_evaluated else Evaluation.SERVER


def _cache_control(answers: Sequence[KeyAnswer], from_settings: str) -> str:
    infos = [answer.environment_info for answer in answers if isinstance(answer, Granted)]
    for info in infos:
        if value := _safe(info.get("mgmt.cacheControl")):
            return value
    if from_settings:
        return from_settings
    for info in infos:
        if value := _safe(info.get("cacheControl")):
            return value
    return NO_STORE


def _safe(value: str | None) -> str:
    # Teams write it: a line end in it would start a header of its own.
    return value if value and value.isascii() and value.isprintable() else ""

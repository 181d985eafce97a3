"""The answer to `GET /features`, decided from what Dacha says of each key.

Source: sections 1.2, 1.4 and 1.6 of the data plane's contract, with its rulings.
"""

import hashlib
from collections.abc import Mapping, Sequence

from fh.contracts.answers import Denied, Granted, KeyAnswer, NotReady
from fh.edge.encoded import EncodedViews
from fh.edge.request import Poll
from fh.edge.response import NO_STORE, Answer, Headers
from fh.edge.settings import EdgeSettings
from fh.model.sdk_key import SdkKey
from fh.wire.etag import UNKNOWN_KEY_TAG, context_tag, encode_etag, parse_if_none_match
from fh.wire.sdk_json import Evaluation, encode_environment

NOT_READY = Answer(
    503,
    (("content-type", "text/plain"), ("cache-control", NO_STORE), ("retry-after", "1")),
    b"cache layer not ready, try again shortly",
)

_NOTHING = b"[]"


def answer_poll(
    poll: Poll, answers: Mapping[SdkKey, KeyAnswer], views: EncodedViews, settings: EdgeSettings
) -> Answer:
    """Return the answer to `poll`.

    One key that can't be answered for now makes the whole answer a 503: an empty list would
    tell SDKs to delete what they have.
    """
    found = [answers[key] for key in poll.keys]
    if any(isinstance(answer, NotReady) for answer in found):
        return NOT_READY
    asked = tuple(zip(poll.keys, found, strict=True))
    headers = _caching(poll, found, settings)
    if all(isinstance(answer, Denied) for answer in found):
        return Answer(404, headers, settled_by=asked)
    tag_of_context = context_tag(poll.context)
    by_time = {
        key: views.features(answer, evaluation_of(key), poll.context)
        for key, answer in asked
        if isinstance(answer, Granted) and views.depend_on_time(answer, evaluation_of(key))
    }
    tags = [_tag(answer, by_time.get(key)) for key, answer in asked]
    known = parse_if_none_match(poll.if_none_match, len(tags), tag_of_context)
    if known == tuple(tags):
        assert poll.if_none_match is not None
        return Answer(
            304,
            (("etag", poll.if_none_match), *headers),
            settled_by=() if by_time else asked,
        )
    environments = [
        encode_environment(
            key.environment_id,
            by_time.get(key) or views.features(answer, evaluation_of(key), poll.context)
            if isinstance(answer, Granted)
            else _NOTHING,
        )
        for key, answer in asked
    ]
    differs = any(
        isinstance(answer, Granted) and views.differ(answer, evaluation_of(key))
        for key, answer in asked
    )
    etag = f'"{encode_etag(tags, tag_of_context)}"'
    return Answer(
        200,
        (("content-type", "application/json"), ("etag", etag), *headers),
        b"[%b]" % b",".join(environments),
        # Rules may ask for the time: what they come to now may not be what they come to next time.
        settled_by=() if differs else asked,
    )


def evaluation_of(key: SdkKey) -> Evaluation:
    """Return who applies the strategies for an SDK with `key`."""
    return Evaluation.CLIENT if key.client_evaluated else Evaluation.SERVER


def _tag(answer: KeyAnswer, by_time: bytes | None) -> str:
    if not isinstance(answer, Granted):
        return UNKNOWN_KEY_TAG
    if by_time is None:
        return answer.etag
    # Where the time decides, the versions say nothing of the outcome, neither here nor to a CDN.
    return f"{answer.etag}.{hashlib.blake2b(by_time, digest_size=8).hexdigest()}"


def _caching(poll: Poll, answers: Sequence[KeyAnswer], settings: EdgeSettings) -> Headers:
    control = _cache_control(answers, settings.cache_control)
    headers = [("cache-control", control)]
    if control != NO_STORE:
        # Whatever a client claims in the query, nobody else is answered with its context.
        headers.append(("vary", "x-featurehub, origin"))
    if settings.surrogate_keys and poll.keys:
        environments = dict.fromkeys(str(key.environment_id) for key in poll.keys)
        headers.append(("surrogate-key", " ".join(environments)))
    return tuple(headers)


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

"""The answers to OpenFeature's providers, decided from what Dacha says of a key."""

import hashlib
from typing import TypeAlias, assert_never
from urllib.parse import quote

from fh.contracts.answers import Denied, Granted, KeyAnswer, NotReady
from fh.edge.flags import Flags
from fh.edge.request import EvaluateFlag, EvaluateFlags
from fh.edge.response import NO_STORE, Answer, Headers
from fh.wire.context_header import ClientContext
from fh.wire.ofrep import (
    ErrorCode,
    FlagError,
    UnusableRequest,
    encode_answer,
    encode_flag,
    parse_request,
)

Evaluate: TypeAlias = EvaluateFlag | EvaluateFlags

_UNCACHED = ("cache-control", NO_STORE)
_HEADERS: Headers = (("content-type", "application/json"), _UNCACHED)


def answer_evaluation(asked: Evaluate, body: bytes, answer: KeyAnswer, flags: Flags) -> Answer:
    """Return the answer to `asked`, whose context is in `body`."""
    match answer:
        case NotReady():
            return NOT_READY
        case Denied():
            return UNKNOWN_KEY
        case Granted():
            pass
        case _:
            assert_never(answer)
    try:
        context = parse_request(body)
    except UnusableRequest as error:
        flag_key = asked.flag_key if isinstance(asked, EvaluateFlag) else None
        return _refused(400, FlagError(error.code, error.details, flag_key))
    match asked:
        case EvaluateFlag():
            return _one(asked.flag_key, answer, context, flags)
        case EvaluateFlags():
            return _all(asked, answer, context, flags)
        case _:
            assert_never(asked)


def _one(key: str, view: Granted, context: ClientContext, flags: Flags) -> Answer:
    flag = flags.find(view, key, context)
    if flag is None:
        return _refused(404, FlagError(ErrorCode.FLAG_NOT_FOUND, "there is no such feature", key))
    if isinstance(flag, FlagError):
        return _refused(400, flag)
    return Answer(200, _HEADERS, encode_flag(flag))


def _all(asked: EvaluateFlags, view: Granted, context: ClientContext, flags: Flags) -> Answer:
    assert asked.key is not None
    # A stream of a browser sends no headers: its path has to say all.
    secret = quote(asked.key.secret, safe="*")
    stream = f"/ofrep/v1/changes/{asked.key.environment_id}/{secret}?etag={view.etag}"
    body = encode_answer(flags.encoded(view, context), stream)
    # A digest of the answer itself: with the time, a rule's outcome changes without a version.
    etag = f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
    if _holds(asked.if_none_match, etag):
        return Answer(304, (("etag", etag), _UNCACHED))
    return Answer(200, (("etag", etag), *_HEADERS), body)


def _holds(if_none_match: str | None, etag: str) -> bool:
    # A proxy that compresses makes etags weak ones.
    tags = (if_none_match or "").split(",")
    return any(tag.strip().removeprefix("W/") == etag for tag in tags)


def _refused(status: int, error: FlagError, *headers: tuple[str, str]) -> Answer:
    return Answer(status, (*_HEADERS, *headers), encode_flag(error))


UNKNOWN_KEY = _refused(
    401,
    FlagError(
        ErrorCode.GENERAL,
        "no SDK key that works here: send `Authorization: Bearer {environmentId}/{key}`",
    ),
    ("www-authenticate", "Bearer"),
)

NOT_READY = _refused(
    503, FlagError(ErrorCode.GENERAL, "not ready, try again shortly"), ("retry-after", "1")
)

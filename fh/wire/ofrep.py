"""OpenFeature's remote evaluation protocol (OFREP) as JSON: contexts in; flags and notices out.

Source: appendix C of OpenFeature's specification, and what its providers read and write (Python
0.3.0, JavaScript core 0.1.4 and 2.3.0).
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum

import msgspec
from msgspec import Raw, Struct, field

from fh.contracts.published import ABSENT, has_value
from fh.errors import FeatureHubError
from fh.wire.context_header import MOST_ATTRIBUTES, NO_CONTEXT, ClientContext
from fh.wire.sse import encode_json

MOST_CONTEXT_BYTES = 64 * 1024
"""What a request may have in all: as much as a context in a header."""

_TARGETING_KEY = "targetingKey"
_USER_KEY = "userkey"


class ErrorCode(StrEnum):
    """Why there is no value; the protocol has more, which no answer of ours needs."""

    PARSE_ERROR = "PARSE_ERROR"
    INVALID_CONTEXT = "INVALID_CONTEXT"
    FLAG_NOT_FOUND = "FLAG_NOT_FOUND"
    GENERAL = "GENERAL"


class Reason(StrEnum):
    """Why a flag has its value."""

    STATIC = "STATIC"
    DEFAULT = "DEFAULT"
    TARGETING_MATCH = "TARGETING_MATCH"
    SPLIT = "SPLIT"
    DISABLED = "DISABLED"


class Flag(Struct, frozen=True, omit_defaults=True):
    """A flag that was evaluated; without a value, the default in the client's code applies."""

    key: str
    reason: Reason
    variant: str
    metadata: Mapping[str, str | int | bool]
    value: Raw = ABSENT


class FlagError(Struct, frozen=True, omit_defaults=True):
    """A flag, or with no key a whole request, that could not be evaluated."""

    code: ErrorCode = field(name="errorCode")
    details: str = field(name="errorDetails")
    key: str | None = None


class UnusableRequest(FeatureHubError):
    """The body of a request tells of no context that can be used."""

    def __init__(self, code: ErrorCode, details: str) -> None:
        super().__init__(details)
        self.code = code
        self.details = details


class _Request(Struct):
    context: Raw = ABSENT


_encoder = msgspec.json.Encoder()
_request = msgspec.json.Decoder(_Request)
_attributes = msgspec.json.Decoder(dict[str, Raw])
_items = msgspec.json.Decoder(list[Raw])
_text = msgspec.json.Decoder(str)


def parse_request(body: bytes) -> ClientContext:
    """Return the context in the body of a request; no body and no context are none.

    The targeting key becomes the user key. Lists keep their texts, numbers and booleans; objects
    and null are left out, and after 30 attributes so is everything.

    Raises:
        UnusableRequest: it is not JSON, its context is no object, its targeting key no text, or
            it is too long.
    """
    if not body.strip():
        return NO_CONTEXT
    if len(body) > MOST_CONTEXT_BYTES:
        raise UnusableRequest(
            ErrorCode.INVALID_CONTEXT, f"the request has more than {MOST_CONTEXT_BYTES} bytes"
        )
    try:
        # As text: in raw values, the decoder takes any bytes for a string.
        context = _request.decode(body.decode()).context
        return _context(context) if has_value(context) else NO_CONTEXT
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnusableRequest(ErrorCode.PARSE_ERROR, f"the body: {error}") from None


def encode_flag(flag: Flag | FlagError) -> bytes:
    """Return the JSON text of one flag or error."""
    return _encoder.encode(flag)


def encode_answer(flags: bytes, stream_uri: str) -> bytes:
    """Return the answer about all `flags`, a JSON array; notices come from `stream_uri`."""
    stream = {"type": "sse", "endpoint": {"requestUri": stream_uri}}
    return b'{"flags":%b,"eventStreams":[%b]}' % (flags, _encoder.encode(stream))


def encode_notice(etag: str) -> bytes:
    """Return the event that has providers evaluate their flags again; `etag` is plain ASCII."""
    data = {"type": "refetchEvaluation", "etag": etag}
    return encode_json("message", _encoder.encode(data), etag)


def _context(raw: Raw) -> ClientContext:
    try:
        attributes = _attributes.decode(raw)
    except msgspec.ValidationError:
        raise UnusableRequest(ErrorCode.INVALID_CONTEXT, "the context is no object") from None
    context: dict[str, tuple[str, ...]] = {}
    user_key = attributes.pop(_TARGETING_KEY, ABSENT)
    if has_value(user_key):
        if not bytes(user_key).startswith(b'"'):
            raise UnusableRequest(ErrorCode.INVALID_CONTEXT, "the targeting key is no text")
        if text := _text.decode(user_key):
            context[_USER_KEY] = (text,)
    for name, value in attributes.items():
        if len(context) == MOST_ATTRIBUTES:
            break
        # The targeting key goes before an attribute of the same meaning.
        if name not in context and (texts := tuple(_texts(value))):
            context[name] = texts
    return context or NO_CONTEXT


def _texts(value: Raw) -> Iterator[str]:
    if bytes(value).startswith(b"["):
        for item in _items.decode(value):
            yield from _scalar(item)
    else:
        yield from _scalar(value)


def _scalar(value: Raw) -> Iterator[str]:
    text = bytes(value).strip()
    if text.startswith(b'"'):
        yield _text.decode(text)
    elif not text.startswith((b"{", b"[", b"n")):
        # Numbers and booleans keep the text that they were written with.
        yield text.decode()

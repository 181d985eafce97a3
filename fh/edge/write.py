"""A test write: an SDK changes a feature's default value, or its lock.

Source: section 1.8 of the data plane's contract, with its rulings.
"""

import json
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import TypeAlias, assert_never

import msgspec
from msgspec import Raw, Struct, field, structs

from fh.contracts.answers import Denied, Granted, KeyAnswer, NotReady
from fh.contracts.published import ABSENT, CacheFeatureValue, has_value
from fh.contracts.updates import StreamedFeatureUpdate
from fh.edge.poll import NOT_READY
from fh.edge.request import Write
from fh.edge.response import NO_STORE, Answer
from fh.model.feature_type import FeatureType
from fh.model.roles import Role

_Wanted: TypeAlias = bool | str | Decimal | None
"""The value that a feature is to have; None is none."""

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_LONGEST_NUMBER_CHARACTERS = 100
_TRUE = "true"
_FALSE = "false"


class _Body(Struct):
    """What an SDK sends; a value that is there is to be set, whatever `updateValue` says."""

    value: Raw = ABSENT
    update_value: bool | None = field(name="updateValue", default=None)
    lock: bool | None = None


class _Refused(Exception):
    def __init__(self, status: int, text: str = "") -> None:
        super().__init__(text)
        self.answer = _plain(status, text)


@dataclass(frozen=True, slots=True)
class HandOn:
    """An update to hand on, and the answer once that is done."""

    update: StreamedFeatureUpdate
    answer: Answer


def decide_write(
    write: Write, body: bytes, answer: KeyAnswer, *, lock: bool | None = None
) -> HandOn | Answer:
    """Return the update to hand on, or the answer if there is nothing to hand on.

    The order of the checks is part of the contract: the first that fails decides. `lock` is
    what the feature's lock has been made lately, for all that is known, whatever `answer` says.
    """
    try:
        return _decided(write, _decoded(body), answer, lock=lock)
    except _Refused as refused:
        return refused.answer


NOT_TAKEN = Answer(
    503,
    (("content-type", "text/plain"), ("cache-control", NO_STORE), ("retry-after", "1")),
    b"the change could not be taken now, try again shortly",
)
"""MR, or the way to it, is away. It may have been taken all the same: nobody said so in time."""


def _decided(write: Write, body: _Body, answer: KeyAnswer, *, lock: bool | None) -> HandOn | Answer:
    match answer:
        case NotReady():
            return NOT_READY
        case Denied():
            return _plain(404)
        case Granted():
            pass
        case _:
            assert_never(answer)
    feature = next(
        (found for found in answer.features if found.feature.key == write.feature_key), None
    )
    if feature is None:
        return _plain(404)
    updating = has_value(body.value) or body.update_value is True
    locked = lock
    if locked is None:
        locked = feature.value is not None and feature.value.locked
    _check_permission(answer.roles, body, locked=locked, updating=updating)
    update = StreamedFeatureUpdate(
        secret=write.key.secret,
        environment_id=write.key.environment_id,
        feature_key=write.feature_key,
        lock=body.lock,
        organisation_id=answer.organisation_id,
        portfolio_id=answer.portfolio_id,
        application_id=answer.application_id,
        account_id=answer.account_id,
    )
    changes = body.lock is not None and body.lock is not locked
    if updating:
        wanted = _checked(feature.feature.value_type, body.value)
        update = _with_value(update, wanted)
        changes |= not _is_current(feature.feature.value_type, wanted, feature.value)
    # What seems to be there already is handed on like all else: an earlier write may not have come
    # back to us yet, and MR makes no version of what it really has.
    return HandOn(update, _bare(200 if changes else 202))


def _decoded(body: bytes) -> _Body:
    try:
        # The decoder leaves the text of the value as it finds it.
        return msgspec.json.decode(body.decode(), type=_Body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _Refused(400, f"the body is not a change of a feature: {error}") from None


def _check_permission(roles: frozenset[Role], body: _Body, *, locked: bool, updating: bool) -> None:
    if roles <= {Role.READ}:
        raise _Refused(403, "no write roles")
    if body.lock is True and Role.LOCK not in roles:
        raise _Refused(403, "feature locked")
    if body.lock is False and Role.UNLOCK not in roles:
        raise _Refused(403, "feature locked, no permission to unlock")
    if body.lock is None and not updating:
        raise _Refused(400, "lock and updateValue null, nothing to do")
    if updating and Role.CHANGE_VALUE not in roles:
        raise _Refused(403, "API Key has no change_value permission")
    if updating and locked and body.lock is not False:
        raise _Refused(412, "it is locked, cannot change value without also unlocking")


def _checked(kind: FeatureType, value: Raw) -> _Wanted:
    """Return the value that is to be set, None for none.

    Values are read from their text, so that `"true"` is a boolean and `"1.5"` a number.
    """
    if not has_value(value):
        if kind is FeatureType.BOOLEAN:
            raise _Refused(412, "cannot set flag value to null")
        return None
    text = _text(value)
    match kind:
        case FeatureType.BOOLEAN:
            if text.lower() not in {_TRUE, _FALSE}:
                raise _Refused(400, "flag value must be true or false")
            return text.lower() == _TRUE
        case FeatureType.NUMBER:
            return _number(text.strip())
        case FeatureType.STRING:
            return text
        case FeatureType.JSON:
            _check_json(text)
            return text
        case _:
            assert_never(kind)


def _number(text: str) -> Decimal:
    bounded = len(text) <= _LONGEST_NUMBER_CHARACTERS
    if not bounded or not _NUMBER.fullmatch(text) or not isfinite(float(text)):
        raise _Refused(400, "Attempting to update NUMBER value with non-NUMBER")
    return Decimal(text)


def _text(value: Raw) -> str:
    """Return the text of a JSON value: a string's own, of everything else the JSON itself."""
    text = bytes(value).decode(errors="replace")
    try:
        text = json.loads(text) if text.startswith('"') else text
        text.encode()
    except ValueError:  # an escape that is none, or half of a surrogate pair
        raise _Refused(400, "the value is not text") from None
    if "\0" in text:
        raise _Refused(400, "the value holds NUL, which can't be stored")
    return text


def _check_json(text: str) -> None:
    try:
        json.loads(text, object_pairs_hook=_distinct, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise _Refused(400, "Attempting to update JSON value to non-json") from None


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key is there twice")
    return members


def _no_constant(name: str) -> object:
    raise ValueError(name)


def _is_current(kind: FeatureType, wanted: _Wanted, stored: CacheFeatureValue | None) -> bool:
    if stored is None:
        # Nothing was ever set: the first value makes a version, whatever it is.
        return False
    if wanted is None or not has_value(stored.value):
        return wanted is None and not has_value(stored.value)
    if kind is FeatureType.NUMBER:
        try:
            # 15 is 15.0.
            return wanted == Decimal(bytes(stored.value).decode())
        except InvalidOperation:
            return False
    return bool(wanted == msgspec.json.decode(stored.value))


def _with_value(update: StreamedFeatureUpdate, wanted: _Wanted) -> StreamedFeatureUpdate:
    changed = structs.replace(update, updating_value=True)
    match wanted:
        case bool():
            return structs.replace(changed, value_boolean=wanted)
        case str():
            return structs.replace(changed, value_string=wanted)
        case Decimal():
            return structs.replace(changed, value_number=Raw(_number_json(wanted)))
        case None:
            return changed


def _number_json(number: Decimal) -> bytes:
    # Python writes an exponent as JSON does, but for the sign of a positive one.
    return str(number).encode()


def _bare(status: int) -> Answer:
    return Answer(status, (("cache-control", NO_STORE),))


def _plain(status: int, text: str = "") -> Answer:
    bare = _bare(status)
    if not text:
        return bare
    return Answer(status, (("content-type", "text/plain"), *bare.headers), text.encode())

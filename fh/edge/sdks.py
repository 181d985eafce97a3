"""Which SDK opened a stream, as a small number that a stream can carry.

What a client says of itself is anybody's word: it is shortened to harmless characters, and only so
many different words are remembered at a time. Beyond them an SDK is `other`, until those are
forgotten that no stream has any more.

Source: sections 10.2 and 10.3 of the data plane's contract.
"""

import re
from collections.abc import Callable, Collection
from typing import Final, NamedTuple

from fh.wire.http_head import RequestHead

_MOST: Final = 250
_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._+-]{0,39}")
_PRODUCT: Final = re.compile(r"(?P<name>[^/\s]+)(?:/(?P<version>\S+))?")


class Sdk(NamedTuple):
    """What a client calls itself."""

    name: str
    version: str


OTHER: Final = Sdk("other", "")
"""Whoever says nothing, or nothing that can be shown."""


def sdk_of(head: RequestHead) -> Sdk:
    """Return what the client says in `X-SDK` and `X-SDK-Version`, else by its user agent."""
    if name := _word(head.header("x-sdk")):
        return Sdk(name, _word(head.header("x-sdk-version")))
    product = _PRODUCT.match(head.header("user-agent") or "")
    name = _word(product["name"]) if product else ""
    return Sdk(name, _word(product["version"])) if product and name else OTHER


class SdkNumbers:
    """Numbers for SDKs. `in_use` returns those that streams have."""

    def __init__(self, in_use: Callable[[], Collection[int]], *, most: int = _MOST) -> None:
        self._in_use = in_use
        self._most = most
        self._numbers = {OTHER: 0}
        self._sdks = {0: OTHER}
        self._refused = 0

    def number(self, sdk: Sdk) -> int:
        """Return the number for `sdk`; that of others where there is no room for one more."""
        found = self._numbers.get(sdk)
        if found is not None:
            return found
        if len(self._numbers) > self._most and not self._make_room():
            return 0
        number = next(each for each in range(self._most + 1) if each not in self._sdks)
        self._numbers[sdk] = number
        self._sdks[number] = sdk
        return number

    def sdk(self, number: int) -> Sdk:
        """Return the SDK that has `number`."""
        return self._sdks.get(number, OTHER)

    def _make_room(self) -> bool:
        # Looking through all streams has its price: it is paid once for as many refusals.
        self._refused += 1
        if self._refused % self._most != 1:
            return False
        used = {0, *self._in_use()}
        for number in [each for each in self._sdks if each not in used]:
            del self._numbers[self._sdks.pop(number)]
        return len(self._numbers) <= self._most


def _word(text: str | None) -> str:
    """Return `text` if it can be shown as it is, else nothing."""
    return text if text is not None and _WORD.fullmatch(text) else ""

"""Whom a request comes from, where a proxy in front tells it."""

import re
from ipaddress import ip_address
from typing import Any, Final

from fh.http.routing import Request

_WITH_PORT: Final = re.compile(r"(?:\[(?P<v6>[^\]]+)\]|(?P<v4>[0-9.]+))(?::[0-9]{1,5})?")


def client_address(request: Request[Any, Any, Any], header: str) -> str:
    """Return whom a request comes from: as the last proxy tells in `header`, or its peer.

    What stands before the last comma, or in lines before the last, is told by others, who may lie.
    What is no address counts as the peer's: whoever could make some up would have as many as they
    like.
    """
    told = (request.header(header) or "") if header else ""
    return _address(told.rpartition(",")[2].strip()) or request.address


def _address(text: str) -> str | None:
    """Return the address that `text` is, with or without brackets and a port."""
    if found := _WITH_PORT.fullmatch(text):
        text = found["v6"] or found["v4"]
    try:
        return str(ip_address(text))
    except ValueError:
        return None

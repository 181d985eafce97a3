"""The messages of a stream over a WebSocket: each is an event as one JSON text.

    {"event":"features","id":"<etag>","data":[…]}

`id` is left out where the event has none.
"""

import msgspec

from fh.errors import FeatureHubError

_FIELD_SEPARATOR = b": "


class NotOneEvent(FeatureHubError):
    """The bytes are not one encoded event with a name and data."""


def encode_message(event: bytes) -> str:
    """Return a server-sent event whose data is JSON, as `fh.wire.sse` encodes it, as a message.

    Raises:
        NotOneEvent: it has no name, no data, or is more than one event.
    """
    name = event_id = b""
    data: list[bytes] = []
    if not event.endswith(b"\n\n"):
        raise NotOneEvent(event)
    for line in event[:-2].split(b"\n"):
        field, _, value = line.partition(_FIELD_SEPARATOR)
        match field:
            case b"data":
                data.append(value)
            case b"event":
                name = value
            case b"id":
                event_id = value
            case _:
                raise NotOneEvent(event)
    if not name or not data:
        raise NotOneEvent(event)
    id_member = b'"id":%b,' % _quoted(event_id) if event_id else b""
    # Lines of one JSON text: a line end is white space there.
    text = b'{"event":%b,%b"data":%b}' % (_quoted(name), id_member, b"\n".join(data))
    return text.decode()


def _quoted(text: bytes) -> bytes:
    return msgspec.json.encode(text.decode())

"""The bytes that a broadcaster sends: a `feature` event as the Edge writes it for a client key.

Hand-made, because a baseline that imports the product would measure it.
"""

import json

from bench.load.marker import MARKER_BYTES, padded_value

ENVIRONMENT_ID = "6c376de1-3cb8-4297-b641-8f27e0d11612"
FEATURE_ID = "5f562e19-aedf-44d5-ab5f-c2994e2b7f57"
FEATURE_KEY = "BENCH_FEATURE"
SECRET = "benchbenchbenchbenchbenchbenchbenchbench"
CLIENT_SECRET = f"{SECRET}*"
"""What SDKs present that apply strategies themselves."""
EVENT_ID = "0" * 33
"""As long as the digest of a view, which only the product can know."""

STREAM_PATH = f"/features/{ENVIRONMENT_ID}/{SECRET}"
STREAM_PATHS = f"/features/{{environment}}/{SECRET}"
"""The path of a stream of any environment, whose id takes the place of `{environment}`."""

CLIENT_PATHS = f"/features/{{environment}}/{CLIENT_SECRET}"
"""The same for SDKs that apply strategies themselves."""


def environment_id(place: int) -> str:
    """Return the id of the environment at `place`; that of the first, 0, is `ENVIRONMENT_ID`."""
    head, _, tail = ENVIRONMENT_ID.rpartition("-")
    return f"{head}-{int(tail, 16) + place:012x}"


def value_bytes_for(payload_bytes: int) -> int:
    """Return how long the value must be for an event of `payload_bytes`, at least a marker."""
    return max(MARKER_BYTES, payload_bytes - len(event(1, "")))


def event_data(version: int, value: str) -> str:
    """Return the JSON of the event that tells of `value`."""
    state = {
        "id": FEATURE_ID,
        "key": FEATURE_KEY,
        "l": False,
        "version": version,
        "type": "STRING",
        "value": value,
        "strategies": [],
    }
    return json.dumps(state, separators=(",", ":"))


def event(version: int, value: str) -> bytes:
    """Return the event that tells of `value`."""
    return f"id: {EVENT_ID}\nevent: feature\ndata: {event_data(version, value)}\n\n".encode()


def frame(number: int, value_bytes: int) -> bytes:
    """Return event `number` as one chunk of a chunked response."""
    data = event(number, padded_value(number, value_bytes))
    return b"%x\r\n%b\r\n" % (len(data), data)

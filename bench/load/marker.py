"""The number by which a published event is recognised in a stream of bytes.

A marker stands in the value of a feature. It has a fixed length and needs no escaping in JSON, so
it can be found without parsing HTTP, SSE or JSON, in whatever pieces the bytes arrive.
"""

PREFIX = b"fhbench:"
DIGITS = 10
END = b";"
MARKER_BYTES = len(PREFIX) + DIGITS + len(END)

ENVIRONMENT_STEP = 10_000
"""Added to the number once for each environment before; so many events can be told apart."""


def marker_text(number: int) -> str:
    """Return the marker of event `number`."""
    return f"{PREFIX.decode()}{number:0{DIGITS}d}{END.decode()}"


def padded_value(number: int, value_bytes: int) -> str:
    """Return a value of `value_bytes` that starts with the marker, or the bare marker."""
    return marker_text(number).ljust(value_bytes, "x")


def shifted(data: bytes, by: int) -> bytes:
    """Return `data` with `by` added to the number of the first marker in it.

    Raises:
        ValueError: there is no marker.
    """
    start = data.index(PREFIX) + len(PREFIX)
    number = int(data[start : start + DIGITS]) + by
    return b"%b%0*d%b" % (data[:start], DIGITS, number, data[start + DIGITS :])


def scan(data: bytes) -> tuple[list[int], bytes]:
    """Return the numbers in `data`, and the end of it that may be the start of a marker.

    The caller puts that rest before the bytes that come next.
    """
    numbers: list[int] = []
    position = 0
    size = len(data)
    while (start := data.find(PREFIX, position)) >= 0:
        end = start + MARKER_BYTES
        if end > size:
            return numbers, data[start:]
        digits = data[start + len(PREFIX) : end - len(END)]
        if digits.isdigit() and data[end - len(END) : end] == END:
            numbers.append(int(digits))
            position = end
        else:
            position = start + 1
    return numbers, _started_prefix(data, position)


def _started_prefix(data: bytes, position: int) -> bytes:
    start = max(position, len(data) - len(PREFIX) + 1)
    while (start := data.find(PREFIX[:1], start)) >= 0:
        if PREFIX.startswith(data[start:]):
            return data[start:]
        start += 1
    return b""

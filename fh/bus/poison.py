"""What becomes of messages that can't be read: a few are kept for whoever looks into it.

Pure: the time is handed in.
"""

import re

from fh.bus.message import Letter, Message
from fh.wire.cloudevents import escape

REASON_HEADER = "fh-reason"
SUBJECT_HEADER = "fh-subject"

_LONGEST_REASON = 200
_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


class Allowance:
    """Lets so many pass in a second, and no more at once.

    Attributes:
        suppressed: How many were not let pass since the last that was.
    """

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._left = float(per_second)
        self._looked_at = 0.0
        self.suppressed = 0

    def take(self, now: float) -> bool:
        """Return whether one more may pass at `now`, in seconds."""
        gained = (now - self._looked_at) * self._per_second
        self._left = min(self._left + gained, float(self._per_second))
        self._looked_at = now
        if self._left < 1.0:
            self.suppressed += 1
            return False
        self._left -= 1.0
        return True


def dead_letter(subject: str, message: Message, reason: str, most_bytes: int) -> Letter:
    """Return `message` as it is put aside: as it came, with the reason in a header.

    What would be larger than `most_bytes` for that is put aside without its data.
    """
    headers = {
        name: text
        for name, text in message.headers.items()
        if _HEADER_NAME.fullmatch(name) and name not in {REASON_HEADER, SUBJECT_HEADER}
    }
    headers[SUBJECT_HEADER] = escape(message.subject)
    headers[REASON_HEADER] = escape(reason[:_LONGEST_REASON])
    letter = Letter(subject, headers, message.data)
    if letter.size_bytes <= most_bytes:
        return letter
    return Letter(
        subject,
        {name: headers[name] for name in (SUBJECT_HEADER, REASON_HEADER)},
        b"",
    )

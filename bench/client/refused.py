"""What is final for a client."""


class Refused(Exception):
    """The server will never serve this key: an SDK stops here.

    Attributes:
        status: The status of the answer; 200 where a stream said so in an event.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"refused with {status}: {text[:200]}")
        self.status = status

"""What an SDK presents: an environment and a service account's secret."""

from dataclasses import dataclass

from fh.model.ids import EnvironmentId

LONGEST_SECRET_CHARACTERS = 100
_SHOWN_CHARACTERS = 4


def is_client_evaluated(secret: str) -> bool:
    """Return whether SDKs with `secret` apply the strategies themselves."""
    return "*" in secret


@dataclass(frozen=True, slots=True)
class SdkKey:
    """An environment and one of the two secrets of a service account."""

    environment_id: EnvironmentId
    secret: str

    @property
    def client_evaluated(self) -> bool:
        """Whether the SDK applies the strategies itself."""
        return is_client_evaluated(self.secret)

    def __repr__(self) -> str:
        return f"SdkKey({self.masked})"

    @property
    def masked(self) -> str:
        """The key as it may stand in a log."""
        return f"{self.environment_id}/{self.secret[:_SHOWN_CHARACTERS]}…"

"""What the runtime refuses.

FeatureHubError
└── ActorError                    any of these
    ├── MailboxFull               no room; carries the message
    ├── ActorStopped              the actor is over, or will take nothing more; carries the message
    ├── AskFailed                 the question will never be answered
    ├── NameTaken                 a living child or entry has that name
    ├── NoSuchChild               no living child has that name
    ├── SupervisorNotRunning      not yet, or no more
    ├── ChildStartFailed          the first start failed; chained to the reason
    ├── RestartIntensityExceeded  crashed too often; chained to the last crash
    └── ChildBeyondRestart        crashed in a way that no restart mends; chained to the crash
"""

from fh.errors import FeatureHubError


class ActorError(FeatureHubError):
    """Any refusal of the actor runtime."""


class MailboxFull(ActorError):
    """The mailbox of `actor` had no room for `message`."""

    def __init__(self, actor: str, message: object) -> None:
        super().__init__(f"the mailbox of {actor} is full")
        self.actor = actor
        self.message = message


class ActorStopped(ActorError):
    """`actor` ended, or was ordered to end, before it could handle `message`."""

    def __init__(self, actor: str, message: object = None) -> None:
        super().__init__(f"{actor} has ended or is about to end")
        self.actor = actor
        self.message = message


class AskFailed(ActorError):
    """`actor` lives on, maybe in another life, but will not answer this question."""

    def __init__(self, actor: str, reason: str) -> None:
        super().__init__(f"{actor} did not answer: {reason}")
        self.actor = actor
        self.reason = reason


class NameTaken(ActorError):
    """`name` belongs to a living child of this supervisor, or entry of this registry."""

    def __init__(self, name: object) -> None:
        super().__init__(f"{name!r} is taken")
        self.name = name


class NoSuchChild(ActorError):
    """`supervisor` has no living child of that name and kind."""

    def __init__(self, supervisor: str, child: str) -> None:
        super().__init__(f"{supervisor} has no child {child}")
        self.supervisor = supervisor
        self.child = child


class SupervisorNotRunning(ActorError):
    """`supervisor` was not started, is ending, or has ended."""

    def __init__(self, supervisor: str) -> None:
        super().__init__(f"{supervisor} is not running")
        self.supervisor = supervisor


class ChildStartFailed(ActorError):
    """`child` could not be started for the first time."""

    def __init__(self, supervisor: str, child: str) -> None:
        super().__init__(f"{supervisor} could not start {child}")
        self.supervisor = supervisor
        self.child = child


class RestartIntensityExceeded(ActorError):
    """`child` ended once too often for the restart intensity of `supervisor`."""

    def __init__(self, supervisor: str, child: str, restarts: int, within_seconds: float) -> None:
        super().__init__(
            f"{supervisor} gives up on {child}: more than {restarts} restarts"
            f" within {within_seconds:g} s"
        )
        self.supervisor = supervisor
        self.child = child
        self.restarts = restarts
        self.within_seconds = within_seconds


class ChildBeyondRestart(ActorError):
    """`child` crashed in a way that no restart mends; every supervisor above gives up, too."""

    def __init__(self, supervisor: str, child: str) -> None:
        super().__init__(f"{supervisor} gives up on {child}: no restart would mend it")
        self.supervisor = supervisor
        self.child = child

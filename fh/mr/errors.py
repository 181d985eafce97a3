"""The refusals of MR.

    FeatureHubError
    ├── NotAuthenticated    no token, an unknown one, or one whose owner must change the password
    ├── Forbidden           the caller may not do this
    ├── NotFound            there is no such thing, or none that the caller may know of
    ├── AlreadyExists       a name, key or address is taken
    ├── OrderTaken          a feature group's place among the others is another one's
    ├── VersionConflict     somebody changed it since the caller read it
    │   └── VersionMissing  the caller does not say which version it read
    ├── Locked              a locked feature value can't be changed
    ├── InUse               something else would change for the worse without it
    ├── Archived            what it belongs to is gone
    ├── DuplicateItems      a list names the same thing twice
    ├── Invalid             a member of the request can't be accepted
    └── TooManyAttempts     wait before the next try

`REFUSALS` holds the usual status of each; a route says where its operation differs.
"""

from collections.abc import Mapping

from fh.db.errors import CheckViolation, ConstraintViolated, UnstorableValue
from fh.errors import FeatureHubError


class NotAuthenticated(FeatureHubError):
    """There is no token, it is unknown, or its owner must change the password first."""


class Forbidden(FeatureHubError):
    """The caller may not do this."""

    def __init__(self, detail: str = "You may not do this.") -> None:
        super().__init__(detail)


class NotFound(FeatureHubError):
    """There is no such thing, or none that the caller may know of."""

    def __init__(self, what: str, detail: str | None = None) -> None:
        super().__init__(detail or f"There is no such {what}.")
        self.what = what


class AlreadyExists(FeatureHubError):
    """A name, key or address is taken."""

    def __init__(self, what: str, field: str | None = None) -> None:
        article = "an" if what[0] in "aeiou" else "a"
        super().__init__(f"There is already such {article} {what}.")
        self.what = what
        self.field = field


class OrderTaken(FeatureHubError):
    """A feature group's place among the others is another one's, or was one's that is gone."""

    def __init__(self) -> None:
        super().__init__("Another group has, or had, this order.")
        self.field = "order"


class VersionConflict(FeatureHubError):
    """Somebody changed it since the caller read it."""

    def __init__(self, what: str, detail: str | None = None) -> None:
        super().__init__(detail or f"The {what} was changed since you read it.")
        self.what = what


class VersionMissing(VersionConflict):
    """The caller does not say which version it read."""

    def __init__(self, what: str) -> None:
        super().__init__(what, f"Send the version that you read. The {what} is there already.")


class Locked(FeatureHubError):
    """A locked feature value can't be changed."""

    def __init__(self, key: str, environment: str | None = None) -> None:
        where = "" if environment is None else f" in {environment}"
        super().__init__(f"The feature {key} is locked{where}.")
        self.key = key


class InUse(FeatureHubError):
    """Something else would change for the worse without it."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"The {what} is in use. {reason}")
        self.what = what


class Archived(FeatureHubError):
    """What it belongs to is gone."""

    def __init__(self, what: str) -> None:
        super().__init__(f"The {what} is archived.")
        self.what = what


class DuplicateItems(FeatureHubError):
    """A list names the same thing twice."""

    def __init__(self, field: str) -> None:
        super().__init__("The list names the same thing twice.")
        self.field = field


class Invalid(FeatureHubError):
    """A member of the request can't be accepted."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason


class TooManyAttempts(FeatureHubError):
    """Wait before the next try."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__("Too many failed attempts, try again later.")
        self.retry_after_seconds = retry_after_seconds


REFUSALS: Mapping[type[FeatureHubError], int] = {
    NotAuthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    AlreadyExists: 409,
    OrderTaken: 409,
    VersionConflict: 422,
    VersionMissing: 422,
    Locked: 409,
    InUse: 409,
    Archived: 409,
    DuplicateItems: 412,
    Invalid: 400,
    TooManyAttempts: 429,
    # What slipped past the checks above is still the request's fault, not ours.
    UnstorableValue: 400,
    CheckViolation: 400,
    ConstraintViolated: 409,
}
"""The status of each refusal where its route says nothing else."""

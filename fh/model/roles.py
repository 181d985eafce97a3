"""What a group or a service account may do, in an environment and in an application."""

from enum import StrEnum


class Role(StrEnum):
    """A right in one environment (`RoleType` on the wire)."""

    READ = "READ"
    LOCK = "LOCK"
    UNLOCK = "UNLOCK"
    CHANGE_VALUE = "CHANGE_VALUE"
    EXTENDED_DATA = "EXTENDED_DATA"


class ApplicationRole(StrEnum):
    """A right in one application (`ApplicationRoleType` on the wire)."""

    FEATURE_EDIT = "FEATURE_EDIT"
    FEATURE_CREATE = "FEATURE_CREATE"
    FEATURE_EDIT_AND_DELETE = "FEATURE_EDIT_AND_DELETE"
    APP_STRATEGY_EDIT = "APP_STRATEGY_EDIT"
    APP_STRATEGY_CREATE = "APP_STRATEGY_CREATE"
    APP_STRATEGY_EDIT_AND_DELETE = "APP_STRATEGY_EDIT_AND_DELETE"

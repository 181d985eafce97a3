"""The four types of a feature."""

from enum import StrEnum


class FeatureType(StrEnum):
    """A feature's type (`FeatureValueType` on the wire)."""

    BOOLEAN = "BOOLEAN"
    STRING = "STRING"
    NUMBER = "NUMBER"
    JSON = "JSON"

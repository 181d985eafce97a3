"""What is published of the truth, by whoever reads it from the database."""

from dataclasses import dataclass

from fh.config import boolean, setting


@dataclass(frozen=True)
class PublishingPartSettings:
    """What every role with an MR or an Edge over its database can be told."""

    publishes_groups: bool = setting(
        "feature-groups.enabled", True, boolean, "whether strategies of feature groups reach SDKs"
    )

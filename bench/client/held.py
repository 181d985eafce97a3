"""What a client holds, and what of it went back."""

from dataclasses import dataclass, field
from typing import Final

from bench.client.events import Event, Feature

_MOST_COMPLAINTS: Final = 50


@dataclass(slots=True)
class Held:
    """The newest version of each feature that a client was told of.

    `complaints` are what no client should ever be told: a version that goes back, or a list
    without a feature that nobody deleted. Only the first are kept.
    """

    versions: dict[str, int] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)

    def take(self, event: Event) -> None:
        """Hold what a stream said."""
        match event.name:
            case "features":
                self.take_all(event.features)
            case "feature":
                for feature in event.features:
                    self._hold(feature)
            case "delete_feature":
                for feature in event.features:
                    self.versions.pop(feature.key, None)
            case _:  # heartbeats, settings, goodbyes
                pass

    def take_all(self, features: tuple[Feature, ...]) -> None:
        """Hold all features that there are, as a poll or the start of a stream lists them."""
        missing = set(self.versions) - {feature.key for feature in features}
        if missing:
            self._complain(f"a list without {', '.join(sorted(missing))}")
        for feature in features:
            self._hold(feature)

    def _hold(self, feature: Feature) -> None:
        known = self.versions.get(feature.key, 0)
        if feature.version < known:
            self._complain(f"{feature.key} went from {known} back to {feature.version}")
        else:
            self.versions[feature.key] = feature.version

    def _complain(self, text: str) -> None:
        if len(self.complaints) < _MOST_COMPLAINTS:
            self.complaints.append(text)

"""The streams of one key in one environment, as its subscription keeps them."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from fh.contracts.answers import Granted
from fh.contracts.published import CacheEnvironmentFeature
from fh.edge.fanout import Audience
from fh.edge.messages import Subscribe
from fh.edge.view import caught_up
from fh.model.ids import FeatureId
from fh.model.sdk_key import SdkKey
from fh.wire.sdk_json import Evaluation


@dataclass(slots=True)
class KeyStreams:
    """The streams of one key: those that are live and those that wait for the first answer."""

    key: SdkKey
    audience: Audience
    evaluation: Evaluation
    granted: Granted | None = None
    waiting: list[Subscribe] = field(default_factory=list)
    asking: bool = False
    outdated: bool = False
    failures: int = 0
    _view: tuple[Granted, int, Granted] | None = None

    def view(
        self,
        granted: Granted,
        changes: int,
        known: Mapping[FeatureId, CacheEnvironmentFeature],
        gone: AbstractSet[FeatureId],
    ) -> Granted:
        """Return `granted` with what is `known` beyond it, worked out once for many streams.

        `changes` counts the changes of `known` and `gone`.
        """
        cached = self._view
        if cached is None or cached[0] is not granted or cached[1] != changes:
            cached = self._view = (granted, changes, caught_up(granted, known, gone))
        return cached[2]

    @property
    def empty(self) -> bool:
        """Whether nobody is served or waits."""
        return not self.audience.live and not self.waiting

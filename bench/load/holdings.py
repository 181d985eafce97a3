"""What streams hold: the newest version of each feature that each of them was told of.

No sockets and no clock. A version that goes back, or a feature that is gone from a list, is
counted; it never happens to an SDK of a server in order.
"""

from array import array
from collections import Counter
from collections.abc import Sequence

from bench.load.histogram import Histogram
from bench.load.live_counts import Counts
from bench.load.told import Kind, News

_VERSION_BYTES = 8


class Holdings:
    """What the streams of one client process hold.

    Attributes:
        counts: What they went through.
        latencies: From the instant that a change carries to its arrival.
        reached_ns: When the last of them came to hold what it shall, 0 while some don't.
    """

    def __init__(self, streams: int, *, environments: int, width: int, first_index: int) -> None:
        """Let stream `n` be of environment `(first_index + n) % environments`.

        Each environment has `width` features.
        """
        self.counts = Counts()
        self.latencies = Histogram()
        self.reached_ns = 0
        self._streams = streams
        self._environments = environments
        self._width = width
        self._first_index = first_index
        self._nothing = array("q", bytes(_VERSION_BYTES * width))
        self._held = self._nothing * streams
        self._goal: array[int] | None = None
        self._behind: set[int] = set()
        self._newest_ns = 0

    @property
    def behind(self) -> int:
        """How many do not hold what they shall, -1 while nobody said what that is."""
        return -1 if self._goal is None else len(self._behind)

    def environment(self, number: int) -> int:
        """Return the environment of a stream."""
        return (self._first_index + number) % self._environments

    def aim_at(self, goal: Sequence[int]) -> None:
        """Watch for every stream to hold these versions: environment by environment."""
        self._goal = array("q", goal)
        self._behind = {number for number in range(self._streams) if not self._holds_goal(number)}
        # Whoever asks after the fact is told when it was.
        self.reached_ns = 0 if self._behind else self._newest_ns

    def clear(self, number: int) -> None:
        """Let a stream be another client, that holds nothing."""
        start = number * self._width
        self._held[start : start + self._width] = self._nothing
        if self._goal is not None:
            self._behind.add(number)
            self.reached_ns = 0

    def take(self, number: int, news: News, now_ns: int) -> None:
        """Hold what a stream was told at an instant in monotonic nanoseconds."""
        match news.kind:
            case Kind.CHANGE:  # first: it is what there is most of
                self._take_change(number, news, now_ns)
            case Kind.LIST:
                self._take_list(number, news, now_ns)
            case Kind.DELETION:
                for slot, _ in news.versions:
                    self._held[number * self._width + slot] = 0
            case Kind.FAILURE:
                self.counts.denied += 1
            case Kind.BYE | Kind.OTHER:
                return
        if number in self._behind and self._holds_goal(number):
            self._behind.discard(number)
            if not self._behind:
                self.reached_ns = now_ns

    def grouped(self) -> list[tuple[int, tuple[int, ...], int]]:
        """Return what all streams hold: environment, versions, and the number of such streams."""
        found: Counter[tuple[int, tuple[int, ...]]] = Counter()
        for number in range(self._streams):
            start = number * self._width
            found[self.environment(number), tuple(self._held[start : start + self._width])] += 1
        return [(environment, versions, count) for (environment, versions), count in found.items()]

    def _take_change(self, number: int, news: News, now_ns: int) -> None:
        for slot, version in news.versions:
            at = number * self._width + slot
            known = self._held[at]
            if version > known:
                self._held[at] = version
                self._newest_ns = now_ns
                self.counts.deliveries += 1
                if news.sent_ns:
                    self.latencies.add_between(news.sent_ns, now_ns)
            elif version == known:
                self.counts.duplicates += 1
            else:
                self.counts.back += 1

    def _take_list(self, number: int, news: News, now_ns: int) -> None:
        start = number * self._width
        told = dict(news.versions)
        for slot in range(self._width):
            known, version = self._held[start + slot], told.get(slot)
            if version is None:
                self.counts.gone += known > 0
            elif version < known:
                self.counts.back += 1
            else:
                self.counts.caught_up += version > known > 0
                if version > known:
                    self._held[start + slot] = version
                    self._newest_ns = now_ns

    def _holds_goal(self, number: int) -> bool:
        assert self._goal is not None
        start, goal = number * self._width, self.environment(number) * self._width
        for slot in range(self._width):  # not all(…): it is asked for each delivery
            if self._held[start + slot] < self._goal[goal + slot]:
                return False
        return True

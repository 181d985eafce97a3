"""What a Dacha and the MR behind it used between two moments."""

from msgspec import structs

from bench.deployment.asking import Answers
from bench.deployment.process import RoleProgram
from bench.result import Better, Cell, Column, Row

COUNT = Column("count", "how many were asked for, loaded or changed")
SECONDS = Column("seconds", "how long all of them took", "s", Better.LOWER, 2)
PER_SECOND = Column("per s", "how many that is in a second", "", Better.HIGHER)
MIDDLE = Column("50 %", "the median of their latencies", "ms", Better.LOWER, 3)
SLOW = Column("99 %", "what 99 % of the latencies do not exceed", "ms", Better.LOWER, 3)
DACHA = Column("Dacha", "Dacha's processor time for each", "µs", Better.LOWER)
MR = Column("MR", "processor time of MR and PostgreSQL for each", "µs", Better.LOWER)
ASKED = Column("asked", "questions of Dacha to MR for each", "", Better.LOWER, 2)
MEMORY = Column("memory", "growth of Dacha's memory for each", "bytes", Better.LOWER)

COLUMNS = (COUNT, SECONDS, PER_SECOND, MIDDLE, SLOW, DACHA, MR, ASKED, MEMORY)


class Meter:
    """Starts anew with each `begin`."""

    def __init__(self, dacha: RoleProgram, mr: RoleProgram) -> None:
        self._dacha = dacha
        self._mr = mr
        self.begin()

    def begin(self) -> None:
        """Count from now on."""
        self._asked = self.asked()
        self._memory_bytes = self._dacha.memory_bytes()
        self._dacha_seconds = self._dacha.processor_seconds()
        self._mr_seconds = self._mr.processor_seconds()

    def asked(self) -> int:
        """Return how often Dacha has asked MR so far."""
        return int(self._dacha.metric("dacha_loads_total"))

    def memory_each(self, count: int) -> float:
        """Return how many bytes Dacha has grown by for each of `count`."""
        return (self._dacha.memory_bytes() - self._memory_bytes) / count

    def row(self, name: str, answers: Answers, *, grows: bool = False) -> Row:
        """Return what the answers took and what was used; the memory where Dacha `grows`."""
        count = len(answers.latencies_seconds)
        latencies = {MIDDLE.name: answers.middle_ms, SLOW.name: answers.slow_ms}
        row = self.counted(name, count, answers.seconds, {**latencies}, grows=grows)
        if not answers.later:
            return row
        return structs.replace(row, note=f"told to come later (503) {answers.later} times")

    def counted(
        self,
        name: str,
        count: int,
        seconds: float,
        more: dict[str, Cell] | None = None,
        *,
        grows: bool = False,
    ) -> Row:
        """Return what `count` of something took and what was used."""
        dacha = self._dacha.processor_seconds() - self._dacha_seconds
        mr = self._mr.processor_seconds() - self._mr_seconds
        cells: dict[str, Cell] = {
            COUNT.name: count,
            SECONDS.name: seconds,
            PER_SECOND.name: count / seconds,
            DACHA.name: dacha / count * 1e6,
            MR.name: mr / count * 1e6,
            ASKED.name: (self.asked() - self._asked) / count,
        }
        if grows:
            cells[MEMORY.name] = self.memory_each(count)
        return Row(name, cells | (more or {}))

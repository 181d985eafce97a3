"""What every bench finds, in one form: for people, for other programs, and to be compared.

A result can be read without the bench that made it: columns say what they count and in which
direction they are better, and machine, versions and options stand beside the figures.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from importlib.metadata import version
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from bench.load.process import Machine, machine

FORMAT: Final = 1
"""Raised when older readers would misunderstand."""

Cell: TypeAlias = int | float | str | None
"""A figure in its column's unit, a word, or None where it was not measured."""


class Better(Enum):
    """Which figures of a column are to be wished for."""

    LOWER = "lower"
    HIGHER = "higher"
    NEITHER = "neither"


class Column(msgspec.Struct, frozen=True):
    """One kind of figure: `name` is short, `meaning` a sentence, `unit` as people write it."""

    name: str
    meaning: str
    unit: str = ""
    better: Better = Better.NEITHER
    decimals: int = 0


class Row(msgspec.Struct, frozen=True):
    """One contestant, or one situation; `note` says why figures are missing or don't count."""

    name: str
    cells: dict[str, Cell] = {}
    note: str = ""


class Target(msgspec.Struct, frozen=True):
    """Something to reach; `measured` is None when it was not measured."""

    text: str
    measured: float | None
    limit: float
    at_least: bool = False

    @property
    def reached(self) -> bool | None:
        """Whether it was reached; None when that was not measured."""
        if self.measured is None:
            return None
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit


class Line(msgspec.Struct, frozen=True):
    """The points of one name in a chart; a None leaves a gap."""

    name: str
    x: tuple[float | str, ...]
    y: tuple[float | None, ...]


class Chart(msgspec.Struct, frozen=True):
    """A picture of how something went on, or of bars where x are words."""

    title: str
    x: str
    y: str
    lines: tuple[Line, ...]
    logarithmic: bool = False


class Result(msgspec.Struct, frozen=True):
    """Everything that one run of one bench found.

    `ratios` are unitless and made in one run, such as `cpu_vs_c`; `spoiled` lists what makes the
    figures worthless, such as a lost update.
    """

    bench: str
    question: str
    at: datetime
    machine: Machine
    versions: dict[str, str]
    options: dict[str, Cell]
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    ratios: dict[str, float] = {}
    targets: tuple[Target, ...] = ()
    charts: tuple[Chart, ...] = ()
    remarks: tuple[str, ...] = ()
    spoiled: tuple[str, ...] = ()
    format: int = FORMAT

    @property
    def missed(self) -> tuple[Target, ...]:
        """The targets that were measured and not reached."""
        return tuple(target for target in self.targets if target.reached is False)


class NoResult(Exception):
    """A file holds no result that can be read; the text says why."""


def begin_result(
    bench: str,
    question: str,
    *,
    options: Mapping[str, Cell],
    columns: Sequence[Column],
    versions: Mapping[str, str] | None = None,
) -> Result:
    """Return a result without rows yet, of this machine and this moment."""
    return Result(
        bench=bench,
        question=question,
        at=datetime.now(UTC),
        machine=machine(),
        versions={"fh": version("fh"), **(versions or {})},
        options=dict(options),
        columns=tuple(columns),
        rows=(),
    )


def encode_result(result: Result) -> bytes:
    """Return the result as JSON for files; what is not a finite number becomes null."""
    return msgspec.json.format(msgspec.json.encode(_finite(msgspec.to_builtins(result)))) + b"\n"


def decode_result(data: bytes) -> Result:
    """Return the result that `data` holds.

    Raises:
        NoResult: it is no JSON of a result, or one of a later format.
    """
    try:
        found = msgspec.json.decode(data, type=Result)
    except msgspec.MsgspecError as error:
        raise NoResult(f"not a result of fh bench: {error}") from error
    if found.format > FORMAT:
        raise NoResult(f"made by a later fh: format {found.format}, here {FORMAT} can be read")
    return found


def load_result(path: Path) -> Result:
    """Return the result in the file.

    Raises:
        NoResult: there is no such file, or it holds none.
    """
    try:
        return decode_result(path.read_bytes())
    except OSError as error:
        raise NoResult(f"{path}: {error.strerror}") from error
    except NoResult as error:
        raise NoResult(f"{path}: {error}") from error


def _finite(value: object) -> object:
    match value:
        case float() if not math.isfinite(value):
            return None
        case dict():
            return {key: _finite(item) for key, item in value.items()}
        case list() | tuple():
            return [_finite(item) for item in value]
        case _:
            return value

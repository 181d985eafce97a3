"""What a run measured, as a picture: who published to whom, and at what price.

A publisher on the left, a box for each contestant with its figure, and a fan of streams that ends
at the load client's dots. The width of a box's bar is its figure, beside the largest.
"""

import math
from collections.abc import Iterator
from html import escape
from typing import Final

from bench.palette import colours
from bench.result import Cell, Chart, Result

_WIDTH: Final = 1080
_TOP: Final = 96
_ROW: Final = 76
_BOX_LEFT: Final = 250
_BOX_WIDTH: Final = 300
_BOX_HEIGHT: Final = 56
_DOTS_LEFT: Final = 760
_DOTS_RIGHT: Final = 1030
_PUBLISHER: Final = 96
_MOST_LINES: Final = 26


def as_svg(result: Result) -> str:
    """Return the picture, or nothing for a result that compares nobody by a figure."""
    chart = next((each for each in result.charts if _compares(each)), None)
    return "\n".join(_drawing(result, chart)) if chart else ""


def _compares(chart: Chart) -> bool:
    return len(chart.lines) == 1 and all(isinstance(x, str) for x in chart.lines[0].x)


def _drawing(result: Result, chart: Chart) -> Iterator[str]:
    line = chart.lines[0]
    figures = {str(x): y for x, y in zip(line.x, line.y, strict=True) if y is not None}
    names = sorted(figures, key=lambda name: figures[name])
    colour_of = colours(str(x) for x in line.x)
    height = _TOP + _ROW * len(names) + 30
    largest = max(figures.values(), default=1) or 1
    yield (
        f'<svg class="picture" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'xmlns="http://www.w3.org/2000/svg"><title>{escape(_caption(result, chart))}</title>'
    )
    yield f'<rect width="{_WIDTH}" height="{height}" rx="18" fill="#0f172a"/>'
    yield _text(36, 46, chart.title, size=24, weight=650)
    yield _text(36, 72, _subtitle(result), size=14, fill="#94a3b8")
    middle = _TOP + _ROW * len(names) / 2 - 8
    for place in range(len(names)):
        y = _TOP + _ROW * place + _BOX_HEIGHT / 2
        yield _curve(_PUBLISHER + 24, middle, _BOX_LEFT, y, stroke="#475569", width=1.5)
    yield f'<circle cx="{_PUBLISHER}" cy="{middle:.0f}" r="26" fill="#1e293b" stroke="#64748b"/>'
    yield _text(_PUBLISHER, middle + 5, "event", size=13, anchor="middle")
    for place, name in enumerate(names):
        top = _TOP + _ROW * place
        unit = f" {chart.y}" if chart.y else ""
        yield from _fan(top + _BOX_HEIGHT / 2, colour_of[name], result.options.get("streams"))
        yield (
            f'<rect x="{_BOX_LEFT}" y="{top}" width="{_BOX_WIDTH}" height="{_BOX_HEIGHT}" '
            f'rx="10" fill="#1e293b"/>'
        )
        share = figures[name] / largest
        width = max(4.0, (_BOX_WIDTH - 28) * share)
        yield (
            f'<rect x="{_BOX_LEFT + 14}" y="{top + 36}" width="{width:.1f}" height="9" rx="4.5" '
            f'fill="{colour_of[name]}"/>'
        )
        yield _text(_BOX_LEFT + 14, top + 26, name, size=16, weight=600)
        value = f"{figures[name]:,.{_decimals(figures[name])}f}{unit}"
        yield _text(_BOX_LEFT + _BOX_WIDTH - 14, top + 26, value, size=16, anchor="end")
    yield "</svg>"


def _fan(y: float, colour: str, streams: Cell) -> Iterator[str]:
    """Draw some of the streams: more where there are more, by their order of magnitude."""
    count = streams if isinstance(streams, int | float) and streams > 0 else 100
    lines = min(_MOST_LINES, max(3, round(6 * math.log10(count + 1))))
    spread = _ROW * 0.78
    for index in range(lines):
        across = index / (lines - 1) - 0.5
        x = _DOTS_RIGHT - (_DOTS_RIGHT - _DOTS_LEFT) * (0.1 + 2.6 * across * across)
        end = y + spread * across
        yield _curve(_BOX_LEFT + _BOX_WIDTH, y, x, end, stroke=colour, width=0.9, opacity=0.55)
        yield f'<circle cx="{x:.1f}" cy="{end:.1f}" r="1.9" fill="{colour}"/>'


def _curve(
    x: float, y: float, to_x: float, to_y: float, *, stroke: str, width: float, opacity: float = 1
) -> str:
    turn = (x + to_x) / 2
    return (
        f'<path d="M{x:.1f} {y:.1f}C{turn:.1f} {y:.1f} {turn:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"'
        f' fill="none" stroke="{stroke}" stroke-width="{width}" opacity="{opacity}"/>'
    )


def _text(
    x: float,
    y: float,
    text: str,
    *,
    size: int,
    weight: int = 400,
    fill: str = "#e2e8f0",
    anchor: str = "start",
) -> str:
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" font-weight="{weight}" fill="{fill}" '
        f'text-anchor="{anchor}" font-family="system-ui, sans-serif">{escape(text)}</text>'
    )


def _subtitle(result: Result) -> str:
    options = result.options
    told = []
    for name in ("streams", "environments", "features"):
        count = options.get(name)
        if isinstance(count, int):
            told.append(f"{count:,} {name if count != 1 else name.removesuffix('s')}")
    if size := options.get("payload_bytes"):
        told.append(f"events of {size:,} bytes")
    told.append(f"{result.machine.processors} processors")
    return " · ".join(told)


def _caption(result: Result, chart: Chart) -> str:
    return f"{result.question} {chart.title}"


def _decimals(value: float) -> int:
    return 0 if value >= 100 else 1 if value >= 10 else 2

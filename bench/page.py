"""Results as one HTML page that needs no network: tables, targets and charts."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

import plotly.graph_objects
import plotly.io
import plotly.offline

from bench.result import Chart, Result
from bench.text import machine_line, shown, target_line

_STYLE: Final = """\
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; color: #222 }
table { border-collapse: collapse; margin: 1rem 0 } td, th { padding: .3rem .8rem }
th { text-align: right; border-bottom: 2px solid #888 } td { text-align: right }
td:first-child, th:first-child { text-align: left } tr:nth-child(even) td { background: #f5f5f5 }
.missed, .spoiled { color: #b00020; font-weight: 600 } .machine, dd { color: #666 }"""


def as_html(results: Sequence[Result]) -> str:
    """Return a page with every result, one after the other."""
    body = "\n".join(line for result in results for line in _section(result))
    library = plotly.offline.get_plotlyjs() if any(result.charts for result in results) else ""
    script = f"<script>{library}</script>" if library else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>fh bench</title>'
        f"<style>{_STYLE}</style>{script}</head><body><h1>fh bench</h1>\n{body}\n</body></html>\n"
    )


def _section(result: Result) -> Iterator[str]:
    yield f"<h2>{escape(result.bench)}: {escape(result.question)}</h2>"
    versions = ", ".join(f"{name} {each}" for name, each in result.versions.items())
    yield f'<p class="machine">{escape(machine_line(result.machine))}<br>'
    yield f"{escape(versions)}<br>{result.at:%Y-%m-%d %H:%M} UTC</p>"
    yield from (f'<p class="spoiled">{escape(each)}</p>' for each in result.spoiled)
    yield from _table(result)
    yield "<ul>"
    yield from (f"<li>{escape(name)}: {ratio:.2f}</li>" for name, ratio in result.ratios.items())
    for target in result.targets:
        mark = ' class="missed"' if target.reached is False else ""
        yield f"<li{mark}>{escape(target_line(target))}</li>"
    yield "</ul>"
    yield from (f"<p>{escape(remark)}</p>" for remark in result.remarks)
    yield from map(_chart, result.charts)
    yield "<dl>"
    for column in result.columns:
        yield f"<dt>{escape(column.name)}</dt><dd>{escape(column.meaning)}</dd>"
    yield "</dl>"


def _table(result: Result) -> Iterator[str]:
    names = "".join(f"<th>{escape(column.name)}</th>" for column in result.columns)
    yield f"<table><tr><th></th>{names}</tr>"
    for row in result.rows:
        cells = "".join(
            f"<td>{escape(shown(row.cells.get(column.name), column))}</td>"
            for column in result.columns
        )
        yield f"<tr><td>{escape(row.name)}</td>{cells}</tr>"
    yield "</table>"
    yield from (f"<p>{escape(row.name)}: {escape(row.note)}</p>" for row in result.rows if row.note)


def _chart(chart: Chart) -> str:
    figure = plotly.graph_objects.Figure()
    for line in chart.lines:
        words = any(isinstance(x, str) for x in line.x)
        trace = plotly.graph_objects.Bar if words else plotly.graph_objects.Scatter
        figure.add_trace(trace(name=line.name, x=line.x, y=line.y))
    figure.update_layout(title=chart.title, xaxis_title=chart.x, yaxis_title=chart.y)
    if chart.logarithmic:
        figure.update_yaxes(type="log")
    html: str = plotly.io.to_html(figure, full_html=False, include_plotlyjs=False)
    return html

"""Results as one HTML page that needs no network: pictures, tables, targets and charts."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

import plotly.graph_objects
import plotly.io
import plotly.offline

from bench.palette import OURS, colours
from bench.picture import as_svg
from bench.result import Chart, Column, Result, Row
from bench.text import machine_line, shown, target_line

_STYLE: Final = """\
:root { color-scheme: light } * { box-sizing: border-box }
body { font: 15px/1.55 system-ui, sans-serif; margin: 0 auto; padding: 2rem; max-width: 76rem;
  color: #0f172a; background: #f8fafc }
h1 { font-size: 1.9rem; margin: 0 0 1rem } h1 span { color: #0d9488 }
nav a { margin-right: 1rem; color: #0d9488; text-decoration: none; font-weight: 600 }
section { background: #fff; border: 1px solid #e2e8f0; border-radius: 18px; padding: 1.6rem 2rem;
  margin: 1.4rem 0; box-shadow: 0 1px 3px #0f172a12 }
h2 { margin: 0 0 .3rem; font-size: 1.35rem } h2 small { color: #64748b; font-weight: 400 }
.machine { color: #64748b; font-size: .87rem; margin: .2rem 0 1.2rem }
.picture { width: 100%; height: auto; margin: .2rem 0 1rem; display: block }
.wide { overflow-x: auto } table { border-collapse: collapse; width: 100%; font-size: .88rem }
td, th { padding: .42rem .5rem; text-align: right; font-variant-numeric: tabular-nums }
td { white-space: nowrap }
th { color: #475569; font-weight: 600; border-bottom: 2px solid #cbd5e1; vertical-align: bottom }
td:first-child, th:first-child { text-align: left; font-weight: 600 }
tr:nth-child(even) td { background: #f8fafc } tr.ours td { background: #f0fdfa }
ul.facts { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .5rem;
  margin: 1.1rem 0 }
ul.facts li { border-radius: 99px; padding: .22rem .8rem; background: #f1f5f9; font-size: .87rem }
ul.facts li.reached { background: #ccfbf1; color: #115e59 }
ul.facts li.missed, .spoiled { background: #fee2e2; color: #991b1b; font-weight: 600 }
.spoiled { padding: .5rem .9rem; border-radius: 10px } .note { color: #475569; margin: .25rem 0 }
.charts { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 1rem }
@media (max-width: 60rem) { .charts { grid-template-columns: minmax(0, 1fr) } }
details { margin-top: 1rem; color: #475569 } summary { cursor: pointer }
dt { font-weight: 600 } dd { margin: 0 0 .3rem }"""


def as_html(results: Sequence[Result]) -> str:
    """Return a page with every result, one after the other."""
    body = "\n".join(
        line for place, result in enumerate(results) for line in _section(result, place)
    )
    library = plotly.offline.get_plotlyjs() if any(result.charts for result in results) else ""
    script = f"<script>{library}</script>" if library else ""
    links = "".join(
        f'<a href="#result-{place}">{escape(result.bench)}</a>'
        for place, result in enumerate(results)
    )
    nav = f"<nav>{links}</nav>" if len(results) > 1 else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>fh bench</title>'
        f"<style>{_STYLE}</style>{script}</head><body><h1><span>fh</span> bench</h1>{nav}\n"
        f"{body}\n</body></html>\n"
    )


def _section(result: Result, place: int) -> Iterator[str]:
    yield f'<section id="result-{place}">'
    yield f"<h2>{escape(result.bench)} <small>{escape(result.question)}</small></h2>"
    versions = ", ".join(f"{name} {each}" for name, each in result.versions.items())
    options = ", ".join(f"{name} {each}" for name, each in result.options.items())
    yield f'<p class="machine">{escape(machine_line(result.machine))}<br>'
    yield f"{escape(versions)} · {result.at:%Y-%m-%d %H:%M} UTC<br>{escape(options)}</p>"
    yield from (f'<p class="spoiled">{escape(each)}</p>' for each in result.spoiled)
    yield as_svg(result)
    yield from _table(result)
    yield '<ul class="facts">'
    for target in result.targets:
        mark = {True: ' class="reached"', False: ' class="missed"', None: ""}[target.reached]
        yield f"<li{mark}>{escape(target_line(target))}</li>"
    yield from (f"<li>{escape(name)}: {ratio:.2f}</li>" for name, ratio in result.ratios.items())
    yield "</ul>"
    yield from (f'<p class="note">{escape(remark)}</p>' for remark in result.remarks)
    yield '<div class="charts">'
    yield from map(_chart, result.charts)
    yield "</div><details><summary>What the columns mean</summary><dl>"
    for column in result.columns:
        unit = f", in {column.unit}" if column.unit else ""
        yield f"<dt>{escape(column.name)}</dt><dd>{escape(column.meaning + unit)}</dd>"
    yield "</dl></details></section>"


def _table(result: Result) -> Iterator[str]:
    names = "".join(f"<th>{escape(column.name)}</th>" for column in result.columns)
    yield f'<div class="wide"><table><tr><th></th>{names}</tr>'
    for row in result.rows:
        if not row.cells:
            continue
        cells = "".join(_cell(row, column) for column in result.columns)
        mark = ' class="ours"' if row.name.startswith("fh") else ""
        yield f"<tr{mark}><td>{escape(row.name)}</td>{cells}</tr>"
    yield "</table></div>"
    yield from (
        f'<p class="note">{escape(row.name)}: {escape(row.note)}</p>'
        for row in result.rows
        if row.note
    )


def _cell(row: Row, column: Column) -> str:
    return f"<td>{escape(shown(row.cells.get(column.name), column))}</td>"


def _chart(chart: Chart) -> str:
    figure = plotly.graph_objects.Figure()
    colour_of = colours(line.name for line in chart.lines)
    for line in chart.lines:
        if any(isinstance(x, str) for x in line.x):
            bars = colours(str(x) for x in line.x)
            marks = (
                [bars[str(x)] for x in line.x] if len(chart.lines) == 1 else colour_of[line.name]
            )
            trace = plotly.graph_objects.Bar(
                name=line.name, x=line.x, y=line.y, marker={"color": marks}
            )
        else:
            width = 3 if colour_of[line.name] == OURS else 2
            trace = plotly.graph_objects.Scatter(
                name=line.name,
                x=line.x,
                y=line.y,
                mode="lines+markers",
                line={"color": colour_of[line.name], "width": width},
            )
        figure.add_trace(trace)
    figure.update_layout(
        title=chart.title,
        xaxis_title=chart.x,
        yaxis_title=chart.y,
        template="plotly_white",
        font={"family": "system-ui, sans-serif"},
        margin={"l": 60, "r": 20, "t": 50, "b": 50},
        height=360,
        showlegend=len(chart.lines) > 1,
    )
    if chart.logarithmic:
        figure.update_yaxes(type="log")
    html: str = plotly.io.to_html(
        figure,
        full_html=False,
        include_plotlyjs=False,
        config={"displayModeBar": False, "responsive": True},
    )
    return html

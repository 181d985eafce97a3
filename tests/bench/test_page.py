import re

from bench.page import as_html
from bench.result import Chart, Line, Row, Target
from tests.bench.results import a_result


def test_a_page_holds_what_the_result_holds():
    page = as_html([a_result(rows=(Row("<fh>", {"bytes": 255.5}),), ratios={"cpu_vs_c": 1.1})])
    assert "&lt;fh&gt;" in page
    assert "255.5" in page
    assert "cpu_vs_c: 1.10" in page


def test_a_missed_target_is_marked():
    page = as_html([a_result(targets=(Target("bytes", 2048, 1024),))])
    assert '<li class="missed">MISSED: bytes' in page


def test_a_page_with_charts_loads_nothing_from_elsewhere():
    chart = Chart("latency", "s", "ms", (Line("fh", (1.0, 2.0), (3.0, 4.0)),))
    page = as_html([a_result(charts=(chart,))])
    assert "Plotly.newPlot" in page
    assert not re.search(r'<(script|link|img)[^>]+(src|href)="?http', page)

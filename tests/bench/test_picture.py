from xml.etree import ElementTree as ET

from bench.palette import OURS, colours
from bench.picture import as_svg
from bench.result import Chart, Line
from tests.bench.results import a_result

CHART = Chart(
    "Processor time of a delivery",
    "",
    "µs",
    (Line("delivery", ("fh", "c<", "gone"), (6, 5, None)),),
)


def texts(result):
    return ["".join(each.itertext()) for each in ET.fromstring(as_svg(result)).iter() if each.text]


def test_it_shows_everybody_who_has_a_figure_the_best_first():
    shown = texts(a_result(charts=(CHART,), options={"streams": 2000, "environments": 1}))
    assert "2,000 streams · 1 environment · 2 processors" in shown
    assert shown.index("c<") < shown.index("5.00 µs") < shown.index("fh") < shown.index("6.00 µs")
    assert "gone" not in shown


def test_there_is_none_of_what_compares_nobody():
    curve = Chart("latency", "s", "ms", (Line("fh", (1.0,), (2.0,)),))
    assert as_svg(a_result(charts=(curve,))) == ""


def test_ours_has_its_colour_and_no_two_the_same():
    found = colours(["c", "fh", "fh server", "nchan", "c"])
    assert found["fh"] == OURS
    assert len(set(found.values())) == 4

from bench.live.course import GIB, Course, with_course
from bench.live.memory import MemoryWatch
from bench.load.live_counts import Figures
from tests.bench.results import a_result


def test_whatever_ended_a_run_what_was_seen_is_told():
    course = Course({"streams": 5}, [2.5], [(0.5, 3), (1.0, 5)], ["memory was low"])
    course.figures = Figures(live=5)
    watch = MemoryWatch(20 * GIB, 5 * GIB, [(0.0, 20 * GIB), (1.0, 5 * GIB)])
    found = with_course(a_result(), course, watch, 10, ["file-max is 5"])
    assert found.rows[0].cells == {"streams": 5, "machine": 15.0}
    assert found.spoiled == ("memory was low",)
    assert len(found.missed) == 2
    assert "2.50" in found.remarks[0]
    assert found.remarks[-1] == "file-max is 5"
    assert [chart.lines[0].y[-1] for chart in found.charts] == [None, 5, 15.0]

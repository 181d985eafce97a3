from bench.live.findings import verdict_cells, with_verdict
from bench.live.verdict import Verdict
from bench.live.writing import Written
from bench.load.live_counts import Counts
from tests.bench.results import a_result


def test_a_run_without_fault_reaches_its_target():
    verdict = Verdict(5, 0, 0, 0.1, Counts(opened=7))
    found = with_verdict(a_result(), verdict, Written(changes=3))
    assert (found.spoiled, found.missed) == ((), ())
    assert verdict_cells(verdict, Written(changes=3))["returns"] == 2


def test_what_is_wrong_spoils_the_result_and_what_is_odd_is_remarked():
    counts = Counts(opened=5, refused=2, unavailable=1)
    found = with_verdict(a_result(), Verdict(5, 1, 0, 3.0, counts), Written(0, ["409"]))
    assert len(found.spoiled) == 2
    assert len(found.remarks) == 2
    assert len(found.missed) == 1


def test_who_never_converged_was_not_in_time():
    found = with_verdict(a_result(), Verdict(5, 1, 0, None, Counts()), Written(1))
    assert found.targets[-1].reached is None
    assert found.spoiled

from bench.propagation import measure
from bench.text import as_text


def test_every_situation_is_measured_on_the_same_server(party_server, run_measured):
    options = {"seconds": 1.5, "rate": 10.0, "churn": 5.0}
    found = run_measured(measure, party_server.wanted(), options)
    assert found.spoiled == ()
    assert [row.name for row in found.rows] == ["quiet", "full", "churn"]
    quiet, full, churn = (row.cells for row in found.rows)
    assert (quiet["streams"], full["streams"], churn["streams"]) == (10, 20, 20)
    for cells in (quiet, full, churn):
        assert cells["deliveries"] > 0
        assert 0 < cells["50 %"] <= cells["99 %"] <= cells["100 %"]
        assert cells["answer"] > 0
    assert set(found.ratios) == {"full_vs_quiet", "churn_vs_quiet"}
    assert len(found.charts[0].lines) == 3
    assert "From the PUT" not in as_text(found)

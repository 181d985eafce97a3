from bench.churn import measure


def test_each_step_is_measured_and_all_of_it_compared(party_server, run_measured):
    options = {"steps": (0.0, 50.0), "seconds": 1.5, "rate": 10.0, "away": 0.01}
    found = run_measured(measure, party_server.wanted(), options)
    assert found.spoiled == ()
    quiet, busy, whole = (row.cells for row in found.rows)
    assert (quiet["asked"], quiet["reached"], quiet["first 50 %"]) == (0, 0, None)
    assert busy["asked"] == 10
    assert busy["reached"] > 0
    assert busy["first 99 %"] > 0
    assert (whole["streams"], whole["lost"], whole["back"]) == (20, 0, 0)

from bench.connections_result import EACH, Found, as_result
from bench.load.trial import Figures

FH = Figures("fh", streams=10, user_bytes_per_stream=300, subscribe_us=90, connects_per_second=5)


def result(**rounds):
    found = Found({name.replace("_", ", K = N"): figures for name, figures in rounds.items()})
    return as_result(found, options={}, names=list(found.rounds))


def test_memory_is_that_of_the_first_round_and_the_rest_the_median():
    later = Figures("fh", streams=10, user_bytes_per_stream=0, subscribe_us=70)
    (row,) = result(fh=[FH, later, later]).rows
    assert (row.cells["user B"], row.cells["subscribe µs"]) == (300, 70)


def test_an_environment_takes_what_its_stream_alone_does_not():
    each = Figures(EACH, streams=10, user_bytes_per_stream=2_800, subscribe_us=90)
    found = result(fh=[FH], fh_=[each])
    assert found.rows[1].cells["environment B"] == 2_500
    assert [target.reached for target in found.targets] == [True, True, False]


def test_who_refused_spoils_the_result():
    found = as_result(Found(failed={"fh": "no room"}), options={}, names=["fh"])
    assert found.spoiled == ("fh: no room",)

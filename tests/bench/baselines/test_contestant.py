import sys

import pytest

from bench.baselines.contestant import Contestant, DidNotStart, Entry


def entry(code):
    return Entry("it", [sys.executable, "-c", code], "", lambda number: b"%d" % number)


def test_the_port_may_come_after_other_lines():
    with Contestant(entry("print('warming up'); print('port 4711'); input()")) as server:
        assert server.port == 4711


def test_a_server_that_ends_is_reported_with_its_last_words():
    with pytest.raises(DidNotStart, match="no such flag"):
        Contestant(entry("import sys; sys.exit('no such flag')"))


def test_a_silent_server_is_given_up():
    with pytest.raises(DidNotStart, match="in time"):
        Contestant(entry("input()"), start_seconds=0.01)


def test_an_order_arrives_as_one_message():
    code = "import os; print('port 1', flush=True); os.write(2, os.read(0, 99))"
    with Contestant(entry(code)) as server:
        server.publish(12)
        assert server._process.wait(10) == 0
        assert server.complaints() == "12"


def test_a_server_ends_with_the_block():
    with Contestant(entry("import os; print('port 1', flush=True); os.read(0, 9)")) as server:
        process = server._process
    assert process.returncode == 0

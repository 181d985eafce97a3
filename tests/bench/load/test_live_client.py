import json
import subprocess
import sys

PLAN = {
    "host": "127.0.0.1",
    "port": 9,
    "path": "",
    "keys": ["environment/secret"],
    "features": ["flag"],
    "streams": 3,
    "first_index": 0,
    "window": 8,
    "life_seconds": 30,
    "allow_remote": False,
}


def run(*lines):
    command = [sys.executable, "-m", "bench.load.live_client"]
    text = "".join(f"{json.dumps(line)}\n" for line in lines)
    return subprocess.run(
        command, input=text, capture_output=True, text=True, timeout=60, check=False
    )


def test_orders_are_answered_one_by_one_and_the_end_of_input_ends_it():
    done = run(PLAN, {}, {"goal": [1]}, {"held": True})
    first, second, third = map(json.loads, done.stdout.splitlines())
    assert done.returncode == 0
    assert (first["live"], first["behind"]) == (0, -1)
    assert second["behind"] == 3
    assert third["held"] == [[0, [0], 3]]


def test_a_foreign_target_is_refused_in_a_line():
    done = run({**PLAN, "host": "192.0.2.1"}, {})
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1


def test_without_a_plan_there_is_nothing_to_do():
    assert run().returncode == 0


def test_it_ends_at_the_end_of_its_time():
    command = [sys.executable, "-m", "bench.load.live_client"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        print(json.dumps({**PLAN, "life_seconds": 0.3}), file=process.stdin, flush=True)
        assert process.wait(60) != 0
        assert "end of its time" in process.stderr.read()

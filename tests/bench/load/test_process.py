import os
import subprocess
import sys
import time

from bench.load.process import (
    KernelMemory,
    family,
    is_working,
    kernel_memory,
    machine,
    process_memory,
    processor_ns,
)


def test_the_processor_time_of_a_process_grows_with_its_work():
    before = processor_ns(os.getpid())
    sum(range(100_000))
    assert processor_ns(os.getpid()) > before


def test_the_memory_of_a_process_is_seen():
    memory = process_memory(os.getpid())
    assert memory.resident_bytes >= memory.proportional_bytes > 1_000_000


def test_kernel_memory_is_compared_as_a_sum():
    assert kernel_memory().slab_bytes > 0
    assert KernelMemory(10, 5).since(KernelMemory(7, 6)) == 2


def test_the_machine_is_described():
    facts = machine()
    assert facts.processors >= 1
    assert facts.memory_bytes > 0
    assert "Python" in facts.python


def test_a_process_that_waits_is_not_working():
    code = "import sys; print(1, flush=True); sys.stdin.read()"
    waiting = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with waiting:
        waiting.stdout.readline()
        deadline = time.monotonic() + 10
        while is_working(waiting.pid) and time.monotonic() < deadline:
            os.sched_yield()
        assert not is_working(waiting.pid)
        assert is_working(os.getpid())


def test_a_family_are_all_who_were_started_by_one():
    code = (
        "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', 'input()']);"
        "print(child.pid, flush=True); child.wait()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        child = int(parent.stdout.readline())
        assert family(parent.pid) == (parent.pid, child)
    finally:
        parent.communicate(b"\n")  # both end

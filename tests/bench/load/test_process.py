import os

from bench.load.process import (
    KernelMemory,
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

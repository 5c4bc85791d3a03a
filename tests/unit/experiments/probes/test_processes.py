"""Processor time and memory of real processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from experiments.probes.processes import ProcessProbe

PARENT_OF_A_CHILD = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1, flush=True); input()'])"


@contextmanager
def _family() -> Iterator[psutil.Process]:
    command = [sys.executable, "-c", PARENT_OF_A_CHILD]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()  # the child runs
        yield psutil.Process(parent.pid)


def test_a_node_is_its_whole_tree() -> None:
    """The memory of a child that only the probe finds is part of its parent's node."""
    with _family() as parent:
        (child,) = parent.children()
        alone = parent.memory_info().rss
        (cpu, memory) = ProcessProbe(lambda: {"worker-1": [parent]}).read()
        assert (cpu.node, cpu.metric, memory.metric) == ("worker-1", "cpu_seconds", "memory_bytes")
        assert cpu.value > 0
        assert memory.value > alone
        child.kill()


def test_a_node_that_does_not_run_has_no_reading() -> None:
    """Absent is not zero."""
    with _family() as parent:
        parent.children()[0].kill()
    assert ProcessProbe(lambda: {"worker-1": [parent]}).read() == []


def test_a_node_that_was_started_again_is_found_again() -> None:
    """The probe asks anew once a node's process has ended."""
    with _family() as parent:
        parent.children()[0].kill()
    roots = {"worker-1": [parent]}
    probe = ProcessProbe(lambda: roots)
    with _family() as successor:
        roots["worker-1"] = [successor]
        assert {reading.metric for reading in probe.read()} == {"cpu_seconds", "memory_bytes"}
        successor.children()[0].kill()

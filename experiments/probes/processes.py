"""Processor time and memory of each node's process tree, by psutil."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import psutil

from experiments.probes.sampler import Reading

Roots = Callable[[], Mapping[str, Sequence[psutil.Process]]]
"""Each node's processes as far as they are known; children of theirs are found by the probe itself."""


class ProcessProbe:
    """Sums each node's tree: user and system time with that of ended children, and resident memory.

    Resident pages that processes share are counted once for each; the proportional set size would not, but reading it
    walks all page tables and costs a hundred times as much.
    """

    name: Final = "processes"

    def __init__(self, roots: Roots) -> None:
        self._find_roots = roots
        self._roots = dict(roots())

    def read(self) -> list[Reading]:
        """Processor seconds and resident bytes of every node that runs."""
        children = _children()
        readings = []
        for node in list(self._roots):
            if not any(process.is_running() for process in self._roots[node]):
                self._roots = dict(self._find_roots())
            tree = _tree(self._roots.get(node, ()), children)
            measured = [figures for figures in map(_figures, tree) if figures is not None]
            if measured:
                readings.append(Reading(node, "cpu_seconds", sum(cpu for cpu, _ in measured)))
                readings.append(Reading(node, "memory_bytes", float(sum(memory for _, memory in measured))))
        return readings

    def close(self) -> None:
        """Holds nothing."""


def _children() -> Mapping[int, list[psutil.Process]]:
    found = defaultdict(list)
    for process in psutil.process_iter():
        try:
            found[process.ppid()].append(process)
        except psutil.NoSuchProcess:
            continue
    return found


def _tree(roots: Sequence[psutil.Process], children: Mapping[int, list[psutil.Process]]) -> Iterator[psutil.Process]:
    seen: set[int] = set()
    waiting = list(roots)
    while waiting:
        process = waiting.pop()
        if process.pid not in seen:
            seen.add(process.pid)
            waiting += children.get(process.pid, [])
            yield process


def _figures(process: psutil.Process) -> tuple[float, int] | None:
    try:
        with process.oneshot():
            times = process.cpu_times()
            memory = process.memory_info().rss
    except psutil.Error:
        return None
    return times.user + times.system + times.children_user + times.children_system, memory

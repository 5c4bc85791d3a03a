"""What a load costs: processor time of each node's process tree over a stretch of time, and memory after it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import psutil

from experiments.probes.processes import ProcessProbe

US_PER_S: Final = 1e6
BYTES_PER_MIB: Final = 1024**2

Roots = Callable[[], Mapping[str, Sequence[psutil.Process]]]
"""Each node's processes."""


@dataclass
class Cost:
    """Processor seconds by node, once the stretch has ended."""

    cpu_s: dict[str, float] = field(default_factory=dict)

    def us_each(self, count: float, nodes: Iterable[str] | None = None) -> float:
        """Microseconds of some nodes, or of all, for each of ``count``."""
        return sum(self.cpu_s.get(node, 0.0) for node in (self.cpu_s if nodes is None else nodes)) * US_PER_S / count


class Meter:
    """Watches the processes of one implementation."""

    def __init__(self, roots: Roots) -> None:
        self._roots = roots
        self._probe = ProcessProbe(roots)

    @contextmanager
    def measured(self) -> Iterator[Cost]:
        """The cost of what is done inside; a node that was started anew inside counts from its start."""
        cost = Cost()
        before = self._cpu_s()
        yield cost
        for node, after_s in self._cpu_s().items():
            before_s = before.get(node, 0.0)
            cost.cpu_s[node] = after_s - before_s if after_s >= before_s else after_s

    def memory_mib(self, node: str) -> float:
        """Proportional set size of a node's process tree, MiB; resident size where the kernel doesn't tell more."""
        tree = {process.pid: process for root in self._roots().get(node, ()) for process in _tree(root)}
        return sum(map(_memory_bytes, tree.values())) / BYTES_PER_MIB

    def _cpu_s(self) -> dict[str, float]:
        return {reading.node: reading.value for reading in self._probe.read() if reading.metric == "cpu_seconds"}


def _tree(root: psutil.Process) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        return [root, *root.children(recursive=True)]
    return []


def _memory_bytes(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        try:
            return int(process.memory_full_info().pss)
        except psutil.AccessDenied:
            return int(process.memory_info().rss)
    return 0

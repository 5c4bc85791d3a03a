"""How well the lab itself could watch: what each probe missed, and counters that lost a part because their node was started again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from reports.analysis.counters import restarted
from reports.loading import TrialData

MISSED_SHARE: Final = 0.5
"""A probe that failed this share of its readings, faults apart, can't have seen what happened."""
FAULT_MARGIN_S: Final = 0.5
"""A reading begun this long before a fault, or after everything was ready, may still meet it: the usual time between two readings."""
LOSING: Final = ("cpu_seconds", "sql_statements")
"""Counters whose growth is printed by node and by request."""


@dataclass(frozen=True)
class ProbeWatch:
    """One probe in one trial; readings by whether they lay outside the times of all faults."""

    name: str
    taken: int
    failed: int
    taken_outside: int
    failed_outside: int
    reason: str | None
    """Why the last failed reading failed."""

    @property
    def is_blind(self) -> bool:
        """Whether it failed half or more of its readings though nothing was broken."""
        outside = self.taken_outside + self.failed_outside
        return outside > 0 and self.failed_outside >= MISSED_SHARE * outside


def probe_watches(trial: TrialData) -> tuple[ProbeWatch, ...]:
    """Every probe of a trial; none for runs from before they were noted."""
    found = []
    for probe in trial.record.probes:
        own = trial.samples.get("probe_cpu_seconds", {}).get(f"probe-{probe.name}")
        taken_at_s = np.empty(0) if own is None else own.at_s
        found.append(
            ProbeWatch(
                name=probe.name,
                taken=probe.readings,
                failed=probe.failed,
                taken_outside=int(_outside_faults(trial, taken_at_s).sum()),
                failed_outside=int(_outside_faults(trial, np.array(probe.failed_at_s)).sum()),
                reason=probe.reason,
            )
        )
    return tuple(found)


def restarted_nodes(trials: Sequence[TrialData]) -> tuple[str, ...]:
    """Nodes whose counters began again within the measure phase of a trial, so that their growth is a lower bound."""
    return tuple(
        sorted(
            {
                node
                for trial in trials
                for metric in LOSING
                for node, found in trial.samples.get(metric, {}).items()
                if restarted(found.at_s, found.value, trial.measure)
            }
        )
    )


def _outside_faults(trial: TrialData, at_s: NDArray[np.float64]) -> NDArray[np.bool_]:
    outside = np.ones(at_s.size, dtype=np.bool_)
    for fault in trial.record.faults:
        if fault.injected_s is not None:
            end_s = trial.load_end_s if fault.ready_s is None else fault.ready_s
            outside &= (at_s < fault.injected_s - FAULT_MARGIN_S) | (at_s > end_s + FAULT_MARGIN_S)
    return outside

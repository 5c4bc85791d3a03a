"""When a trial counts: pure rules over what was recorded, applied by the lab when it records a trial and by reports to the data again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from experiments.definition import Experiment, Metric, Phase
from experiments.records.schema import ClockRecord, FaultRecord, PhaseRecord, TrialRecord, ValidityRules

SLIP_PERCENTILE: Final = 99
_MS_PER_S: Final = 1000.0


@dataclass(frozen=True, eq=False)
class RequestTimes:
    """The times of a trial's recorded requests, s since its epoch; three arrays of one length."""

    intended_s: NDArray[np.float64]
    sent_s: NDArray[np.float64]
    ended_s: NDArray[np.float64]

    @classmethod
    def of(cls, requests: pa.Table) -> Self:
        """Those of a table with REQUEST_SCHEMA."""
        return cls(*(requests[name].to_numpy() for name in ("intended_s", "sent_s", "ended_s")))

    def due_in(self, phase: PhaseRecord) -> RequestTimes:
        """Those of the requests that were due in a phase."""
        inside = (self.intended_s >= phase.start_s) & (self.intended_s < phase.end_s)
        return RequestTimes(self.intended_s[inside], self.sent_s[inside], self.ended_s[inside])

    @property
    def slip_ms(self) -> NDArray[np.float64]:
        """By how much the load generator was late with each of them, ms."""
        return (self.sent_s - self.intended_s) * _MS_PER_S

    @property
    def service_ms(self) -> NDArray[np.float64]:
        """How long the system took for each of them, ms."""
        return (self.ended_s - self.sent_s) * _MS_PER_S


def measured(phases: Sequence[PhaseRecord], times: RequestTimes) -> RequestTimes:
    """The requests that were due in the measure phase; none where there is no such phase."""
    found = next((phase for phase in phases if phase.phase is Phase.MEASURE), None)
    nothing = np.empty(0)
    return RequestTimes(nothing, nothing, nothing) if found is None else times.due_in(found)


def slip_p99_ms(phases: Sequence[PhaseRecord], times: RequestTimes) -> float:
    """The 99th percentile of the load generator's lateness in the measure phase, ms; 0 where nothing was sent in it."""
    return _p99(measured(phases, times).slip_ms)


def problems(record: TrialRecord, times: RequestTimes, rules: ValidityRules | None, experiment: Experiment) -> tuple[str, ...]:
    """Why a recorded trial doesn't count, as far as its record and its requests say it; nothing if it does.

    The lab may know of more: a stage that failed, a history that is cut off, a probe without a reading.

    Args:
        record: as it was recorded; neither its validity nor its slip is believed.
        times: of its requests in all phases.
        rules: those of run.json; None, as in runs from before they were noted, leaves out what they limit.
        experiment: whose claims say what the trial is used for.
    """
    recorded = (*fault_problems(record.faults), *load_problems(record.offered, times))
    if rules is None:
        return recorded
    return (
        *recorded,
        *slip_problems(record.phases, times, rules, bounds_slowest=bounds_slowest(experiment, record.treatment)),
        *clock_problems(record.clock, rules),
    )


def bounds_slowest(experiment: Experiment, treatment: str) -> bool:
    """Whether a claim is about the slowest request of a treatment, so that a single late one could decide it."""
    return any(claim.metric is Metric.SLOWEST_RESPONSE_MS and treatment in claim.treatments for claim in experiment.claims)


def load_problems(offered: int, times: RequestTimes) -> tuple[str, ...]:
    """Whether all of the planned load was sent."""
    recorded = times.intended_s.size
    if recorded == offered:
        return ()
    return (f"{recorded} of {offered} scheduled requests were recorded; the load generator did not keep up or was cut short",)


def slip_problems(
    phases: Sequence[PhaseRecord], times: RequestTimes, rules: ValidityRules, *, bounds_slowest: bool = False
) -> tuple[str, ...]:
    """Whether the load of the measure phase was sent in time.

    Args:
        phases: of the trial.
        times: of all its requests.
        rules: the limits.
        bounds_slowest: a claim is about this treatment's slowest request.
    """
    due = measured(phases, times)
    if due.intended_s.size == 0:
        return ()
    found = []
    slip_ms, limit_ms = _p99(due.slip_ms), slip_limit_ms(due, rules)
    if slip_ms > limit_ms:
        found.append(
            f"the load generator sent 1 % of the measured requests more than {slip_ms:.1f} ms late (limit {limit_ms:.1f} ms); "
            f"the machine was too busy: lower the rate, stop other programs, or allow the generator real-time priority"
        )
    longest_ms = float(due.slip_ms.max())
    if bounds_slowest and longest_ms > rules.longest_slip_ms:
        found.append(
            f"the load generator sent a measured request {longest_ms:.0f} ms late (limit {rules.longest_slip_ms:g} ms), "
            f"and a claim is about the slowest request"
        )
    return tuple(found)


def slip_limit_ms(due: RequestTimes, rules: ValidityRules) -> float:
    """The highest 99th percentile of the lateness that these requests may have, ms.

    The limits only throw out what is spoiled: a claim about a percentile is not judged anyway where more than a tenth of it is the
    generator's own part. Measured with 200 requests/s on two cores, the percentile is below 1 ms with real-time priority, also where other
    programs take all that is left, and 1 to 16 ms with normal priority. The floor is twice the former. The share lets a plain user measure
    on a machine whose own service times show that it is busy. The ceiling is a fiftieth of the shortest time that the catalog claims of a
    fault (1.1 s), because a fault makes the service time's percentile a second or more.
    """
    return max(rules.slip_floor_ms, min(rules.slip_share * _p99(due.service_ms), rules.slip_ceiling_ms))


def clock_problems(clock: ClockRecord | None, rules: ValidityRules) -> tuple[str, ...]:
    """Whether the wall clock, by which NGINX and the databases note their own moments, was set during the trial.

    Detection is measured by NGINX's, in tenths of a second; the limit is a few times what two readings may differ by on a busy machine.
    """
    if clock is None or abs(clock.step_ms) <= rules.clock_step_ms:
        return ()
    set_by = f"the machine's clock was set by {clock.step_ms:+.0f} ms during the trial (limit {rules.clock_step_ms:g} ms)"
    return (f"{set_by}, so what servers noted by it is displaced",)


def fault_problems(faults: Sequence[FaultRecord]) -> tuple[str, ...]:
    """Why the faults can't be believed."""
    found = []
    for fault in faults:
        name = f"the {fault.planned.title}"
        if fault.proof is None:
            found.append(f"nothing shows that {name} took effect")
        elif fault.ready_s is None:
            found.append(f"{fault.planned.where} was not ready again after {name}")
    return tuple(found)


def _p99(values: NDArray[np.float64]) -> float:
    return float(np.percentile(values, SLIP_PERCENTILE)) if values.size else 0.0

"""Whether a trial counts, judged again from its data: the validity and the lateness that trial.json states are not believed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from experiments.definition import Phase
from experiments.records.schema import TrialRecord, ValidityRules
from reports.integrity import Finding, Kind

MS_PER_S = 1000.0
_PERCENTILE = 99


def judged_again(trial: TrialRecord, requests: pd.DataFrame, rules: ValidityRules | None) -> TrialRecord:
    """The trial with lateness, validity and reasons as its data give them.

    Reasons that were recorded stay: why a stage failed can't be seen in the data. A trial without any gets those of the rules.

    Args:
        trial: as it was recorded.
        requests: its requests, all phases.
        rules: those of run.json; None for runs from before they were noted, of which only what was always asked for is asked.
    """
    reasons = trial.reasons or tuple(problems(trial, requests, rules))
    return trial.model_copy(update={"slip_p99_ms": slip_p99_ms(requests), "valid": not reasons, "reasons": reasons})


def problems(trial: TrialRecord, requests: pd.DataFrame, rules: ValidityRules | None) -> Iterator[str]:
    """Why a trial does not count, by rules that need nothing but its record and its requests."""
    if len(requests) != trial.offered:
        yield (f"{len(requests)} of {trial.offered} scheduled requests were recorded; the load generator did not keep up or was cut short")
    for fault in trial.faults:
        if fault.proof is None:
            yield f"nothing shows that the {fault.planned.title} took effect"
        elif fault.ready_s is None:
            yield f"{fault.planned.where} was not ready again after the {fault.planned.title}"
    if rules is None:
        return
    slip_ms = slip_p99_ms(requests)
    limit_ms = max(rules.slip_floor_ms, rules.slip_share * _service_p99_ms(requests))
    if slip_ms > limit_ms:
        yield f"the load generator sent 1 % of requests more than {slip_ms:.1f} ms late (limit {limit_ms:.1f} ms)"
    if trial.clock is not None and abs(trial.clock.step_ms) > rules.clock_step_ms:
        yield f"the wall clock was set by {trial.clock.step_ms:.0f} ms during the trial (limit {rules.clock_step_ms:g} ms)"


def slip_p99_ms(requests: pd.DataFrame) -> float:
    """99th percentile of sent minus intended in the measure phase, ms; 0 where nothing was sent."""
    measured = (requests["phase"] == Phase.MEASURE).to_numpy()
    return _percentile_ms((requests["sent_s"].to_numpy() - requests["intended_s"].to_numpy())[measured])


def _service_p99_ms(requests: pd.DataFrame) -> float:
    measured = (requests["phase"] == Phase.MEASURE).to_numpy()
    return _percentile_ms((requests["ended_s"].to_numpy() - requests["sent_s"].to_numpy())[measured])


def _percentile_ms(times_s: np.typing.NDArray[np.float64]) -> float:
    return float(np.percentile(times_s, _PERCENTILE)) * MS_PER_S if len(times_s) else 0.0


def validity_findings(file: str, recorded: TrialRecord, judged: TrialRecord) -> Iterator[Finding]:
    """What the record says of the trial's validity that its data don't."""
    if recorded.valid != (not recorded.reasons):
        contradiction = "valid and gives a reason why not" if recorded.valid else "invalid and gives no reason"
        yield Finding(Kind.DERIVED, file, f"says that the trial is {contradiction}; it is taken for {_word(judged)}")
    elif recorded.valid != judged.valid:
        yield Finding(Kind.DERIVED, file, f"says that the trial is valid, and by the rules it is not: {'; '.join(judged.reasons)}")


def _word(trial: TrialRecord) -> str:
    return "valid" if trial.valid else "invalid"

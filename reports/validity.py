"""Whether a trial counts, judged again from its data: the validity and the lateness that trial.json states are not believed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pandas as pd

from experiments.records.schema import RunRecord, TrialRecord
from experiments.records.validity import RequestTimes, fault_problems, load_problems, problems, slip_p99_ms
from reports.integrity import Finding, Kind

ROUNDING_MS: Final = 1e-6


def judged_again(trial: TrialRecord, requests: pd.DataFrame, run: RunRecord) -> TrialRecord:
    """The trial with lateness, validity and reasons as its data give them.

    Reasons that were recorded stay: why a stage failed can't be seen in the data. A trial without any gets those of the rules in run.json;
    in runs from before they were noted, those of the rules that never changed: all was sent, and every fault was seen.
    """
    times = RequestTimes(*(requests[column].to_numpy() for column in ("intended_s", "sent_s", "ended_s")))
    if trial.reasons:
        reasons = trial.reasons
    elif run.rules is None:
        reasons = (*fault_problems(trial.faults), *load_problems(trial.offered, times))
    else:
        reasons = problems(trial, times, run.rules, run.experiment)
    return trial.model_copy(update={"slip_p99_ms": slip_p99_ms(trial.phases, times), "valid": not reasons, "reasons": reasons})


def validity_findings(file: str, recorded: TrialRecord, judged: TrialRecord, run: RunRecord) -> Iterator[Finding]:
    """What the record says of the trial's validity and lateness that its data don't."""
    if recorded.valid != (not recorded.reasons):
        contradiction = "valid and gives a reason why not" if recorded.valid else "invalid and gives no reason"
        taken = "valid" if judged.valid else "invalid"
        yield Finding(Kind.DERIVED, file, f"says that the trial is {contradiction}; it is taken for {taken}")
    elif recorded.valid != judged.valid:
        yield Finding(Kind.DERIVED, file, f"says that the trial is valid, and by the rules it is not: {'; '.join(judged.reasons)}")
    # Before there were rules in run.json, lateness was that of all phases.
    if run.rules is not None and abs(recorded.slip_p99_ms - judged.slip_p99_ms) > ROUNDING_MS:
        stated, found = recorded.slip_p99_ms, judged.slip_p99_ms
        yield Finding(
            Kind.DERIVED, file, f"says that the load generator was late by {stated:.3f} ms (p99), and by the data it is {found:.3f} ms"
        )

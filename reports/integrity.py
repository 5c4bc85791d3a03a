"""What may be wrong with the files of a run, and what a report does about each kind of it.

========== ================================================ ==========================================================================
kind       what is wrong                                    a report
========== ================================================ ==========================================================================
FOREIGN    it is no part of the run: a stray file, a copy   leaves it out and names it. The run's own data are as complete as before.
           of a trial, a trial of another run
IMPOSSIBLE the run's own data contradict themselves or its  refuses. Figures of it would be wrong, and without it the trials that are
           plan: phases, times, more rows than offered      left would no longer be a fair sample: a person has to decide.
CHANGED    a file is not as it was written, or is missing,  is made and says so on top. What the files hold now can be true, and a
           but what is there makes sense                    person may want to look at a damaged run.
DERIVED    trial.json says other than its data: validity,   computes it from the data, which are nearer to what happened, and says
           the load generator's lateness                    so.
========== ================================================ ==========================================================================

A file that can't be read at all is refused like the impossible. ``verify`` names all of every kind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.definition import Experiment, Operation, Phase
from experiments.records.files import TRIAL_FILES
from experiments.records.manifest import Deviations
from experiments.records.schema import Outcome, PhaseRecord, PlannedTrial, RunRecord, TrialRecord

CLOCK_TOLERANCE_S: Final = 1e-6
"""Times are differences of one monotonic clock, exact to well under a microsecond; what is further off is no rounding."""
MOST_NAMED: Final = 6
"""Files that one sentence names; ``verify`` names all."""
_BROKEN: Final = 500


class Kind(StrEnum):
    """What kind of wrong it is."""

    FOREIGN = "foreign"
    IMPOSSIBLE = "impossible"
    CHANGED = "changed"
    DERIVED = "derived"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a run."""

    kind: Kind
    file: str
    """Relative to the run directory, parts separated by /."""
    problem: str

    def __str__(self) -> str:
        return f"{self.file}: {self.problem}"


def foreign_trial(file: str, trial: TrialRecord, run: RunRecord) -> Iterator[Finding]:
    """Whether a trial says that it belongs to another run. Those of runs of format versions 1 and 2 don't say."""
    if trial.run_id not in {None, run.run_id}:
        yield Finding(Kind.FOREIGN, file, f"belongs to the run {trial.run_id}")


def plan_contradictions(file: str, folder: str, trial: TrialRecord, run: RunRecord) -> Iterator[Finding]:
    """What a trial in the folder of that name says of itself that the folder, the plan and the experiment don't."""
    experiment = run.experiment
    if trial.treatment not in {treatment.name for treatment in experiment.treatments}:
        problem = f"the treatment {trial.treatment!r} is not one of the run's; it was edited or belongs to another run"
        yield Finding(Kind.IMPOSSIBLE, file, problem)
        return
    planned = next((one for one in run.plan if (one.block, one.treatment) == (trial.block, trial.treatment)), None)
    said = PlannedTrial.model_validate({name: getattr(trial, name) for name in PlannedTrial.model_fields})
    if planned is None or said.trial_id != folder:
        yield Finding(Kind.IMPOSSIBLE, file, f"is that of a trial {said.trial_id}, which is not the folder's")
        return
    for name, value in (("trial_id", folder), ("seed", planned.seed), ("bring_up", planned.bring_up)):
        if getattr(trial, name) != value:
            yield Finding(Kind.IMPOSSIBLE, file, f"its {name} is {getattr(trial, name)}, and in the run's plan it is {value}")
    if trial.topology != experiment.topology_of(experiment.treatment(trial.treatment)):
        yield Finding(Kind.IMPOSSIBLE, file, "its topology is not the one that the experiment has for its treatment")
    if not _agree(trial.phases, experiment):
        yield Finding(Kind.IMPOSSIBLE, file, "its phases are not those of the experiment, one after the other from 0 s")


def _agree(phases: Sequence[PhaseRecord], experiment: Experiment) -> bool:
    lengths = experiment.phases
    edges = np.cumsum([0.0, lengths.warm_up_s, lengths.measure_s, lengths.cool_down_s])
    asked = [(phase, edges[at], edges[at + 1]) for at, phase in enumerate(Phase) if edges[at + 1] > edges[at]]
    found = [(record.phase, record.start_s, record.end_s) for record in phases]
    return [phase for phase, _, _ in found] == [phase for phase, _, _ in asked] and np.allclose(
        [times for _, *times in found], [times for _, *times in asked], rtol=0, atol=CLOCK_TOLERANCE_S
    )


def request_contradictions(file: str, requests: pd.DataFrame, trial: TrialRecord) -> Iterator[Finding]:
    """What can't be among the rows of requests.parquet, whose phase, operation and outcome are categories."""
    for column in ("intended_s", "sent_s", "ended_s"):
        if not np.isfinite(requests[column].to_numpy()).all():
            yield Finding(Kind.IMPOSSIBLE, file, f"{column} has a value that is not a finite number")
            return
    for column, allowed in (("phase", Phase), ("operation", Operation), ("outcome", Outcome)):
        known = {item.value for item in allowed}
        if unknown := sorted(set(requests[column].unique()) - known):
            yield Finding(Kind.IMPOSSIBLE, file, f"the {column} {unknown[0]!r} is none of {', '.join(sorted(known))}")
            return
    if len(requests) > trial.offered:
        yield Finding(Kind.IMPOSSIBLE, file, f"has {len(requests):,} requests and only {trial.offered:,} were offered")
    intended_s, sent_s, ended_s = (requests[column].to_numpy() for column in ("intended_s", "sent_s", "ended_s"))
    problems = (
        ("ended before they were sent", ended_s < sent_s - CLOCK_TOLERANCE_S),
        ("were sent before they were due", sent_s < intended_s - CLOCK_TOLERANCE_S),
        ("are not in the order of their intended times", np.diff(intended_s, prepend=-np.inf) < 0),
        ("have a phase that contradicts their intended time", _misplaced(intended_s, requests["phase"], trial.phases)),
        ("have an outcome that contradicts their status", _misjudged(requests)),
    )
    for problem, rows in problems:
        if wrong := np.count_nonzero(rows):
            yield Finding(
                Kind.IMPOSSIBLE, file, f"{wrong:,} of {len(requests):,} requests {problem}, the first in row {int(np.argmax(rows)):,}"
            )


def _misplaced(intended_s: NDArray[np.float64], labels: pd.Series[str], phases: Sequence[PhaseRecord]) -> NDArray[np.bool_]:
    """Which requests lie outside of the phase that they are said to be of; a phase that the trial doesn't have lasts no time."""
    edges = {record.phase: (record.start_s, record.end_s) for record in phases}
    end_s = max((record.end_s for record in phases), default=0.0)
    without = {Phase.WARM_UP: 0.0, Phase.MEASURE: end_s, Phase.COOL_DOWN: end_s}
    bounds = np.array([edges.get(phase, (without[phase], without[phase])) for phase in Phase])
    codes = pd.Categorical(labels, categories=[phase.value for phase in Phase]).codes
    low, high = bounds[codes, 0] - CLOCK_TOLERANCE_S, bounds[codes, 1] + CLOCK_TOLERANCE_S
    wrong: NDArray[np.bool_] = (intended_s < low) | (intended_s > high)
    return wrong


def _misjudged(requests: pd.DataFrame) -> NDArray[np.bool_]:
    """An answer has a status, a missing one has none, and none of 5xx is right."""
    status = requests["status"].to_numpy(dtype=np.float64, na_value=np.nan)
    is_answered = ~np.isnan(status)
    is_ok = (requests["outcome"] == Outcome.OK).to_numpy()
    expected = is_ok | (requests["outcome"] == Outcome.HTTP_ERROR).to_numpy()
    wrong: NDArray[np.bool_] = (is_answered != expected) | (is_ok & (status >= _BROKEN))
    return wrong


def sample_contradictions(file: str, samples: pd.DataFrame) -> Iterator[Finding]:
    """What can't be among the rows of samples.parquet."""
    for column in ("at_s", "value"):
        if not np.isfinite(samples[column].to_numpy()).all():
            yield Finding(Kind.IMPOSSIBLE, file, f"{column} has a value that is not a finite number")
            return
    if np.any(np.diff(samples["at_s"].to_numpy()) < 0):
        yield Finding(Kind.IMPOSSIBLE, file, "its readings are not in the order of their times")


def changed_files(found: Deviations) -> Iterator[Finding]:
    """The deviations from the manifest: file by file, but for a trial that is missing as a whole."""
    for file in found.changed:
        yield Finding(Kind.CHANGED, file, "is not as the run wrote it")
    folders = Counter(file.rpartition("/")[0] for file in found.missing)
    whole = {folder for folder, number in folders.items() if number == len(TRIAL_FILES)}
    for gone in sorted(whole | {file for file in found.missing if file.rpartition("/")[0] not in whole}):
        yield Finding(Kind.CHANGED, gone, "was written by the run and is missing")
    for file in found.unlisted:
        yield Finding(Kind.CHANGED, file, "has no digest in the manifest: it was added later, or the run was killed while recording it")


def warning_sentences(findings: Sequence[Finding]) -> tuple[str, ...]:
    """What a page says on top of a run's section: a sentence for each kind that is there."""
    return tuple(
        _sentence(kind, [one for one in findings if one.kind is kind]) for kind in Kind if any(one.kind is kind for one in findings)
    )


def _sentence(kind: Kind, findings: Sequence[Finding]) -> str:
    named = "; ".join(str(one) for one in findings[:MOST_NAMED])
    more = f"; and {len(findings) - MOST_NAMED} more, which `nox -s verify` names" if len(findings) > MOST_NAMED else ""
    lead = {
        Kind.FOREIGN: "Left out, because it is no part of this run",
        Kind.IMPOSSIBLE: "The data contradict themselves",
        Kind.CHANGED: "Files of this run were changed after they were written, so its figures can't be relied on",
        Kind.DERIVED: "Validity and lateness of trials were computed from their data, which say other than their records",
    }[kind]
    return f"{lead}: {named}{more}."

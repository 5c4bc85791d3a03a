"""The invariants as a gate: whatever was measured counts for nothing if the system lost or invented something."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from experiments.definition import WRITES
from experiments.records.schema import InvariantRecord, RunRecord, TrialRecord, WitnessEvent


class Gate(StrEnum):
    """The worst of all trials wins."""

    PASS = "pass"  # noqa: S105 - a verdict, no password
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not applicable"
    """Nothing was written, so that nothing could be lost or invented; no verdict on the system either way."""


SEVERITY = {Gate.NOT_APPLICABLE: 0, Gate.PASS: 1, Gate.UNKNOWN: 2, Gate.FAIL: 3}


@dataclass(frozen=True)
class InvariantVerdict:
    """One invariant over all trials of a run."""

    name: str
    gate: Gate
    passed: int
    failed: int
    unknown: int
    """Trials whose checker could not tell, crashed or is missing."""
    detail: str
    """What is wrong in the first trial that failed, else the first reason for not knowing, else what the last trial's check covered."""
    vacuous: int = 0
    """Trials that had nothing to check it on; they neither pass nor stand against the others."""
    witness: tuple[WitnessEvent, ...] = ()
    """What proves the failure."""
    witness_trial: str = ""
    """The trial that it is from."""

    @property
    def is_exercised(self) -> bool:
        """Some trial had something to check it on."""
        return self.passed + self.failed + self.unknown > 0


@dataclass(frozen=True)
class GateVerdict:
    """All invariants of a run."""

    gate: Gate
    invariants: tuple[InvariantVerdict, ...]
    unfinished: int
    """Planned trials that left no record; what was not looked at did not pass."""


def judge_invariants(run: RunRecord, trials: Sequence[TrialRecord]) -> GateVerdict:
    """The gate over all finished trials, invalid ones too: a broken promise is one whatever else went wrong.

    An invariant that any trial reports is expected of every trial; without any invariant the gate is unknown, never passed. One that no
    trial had anything to check on is unknown by itself and does not keep the others from passing: the page names it. Where the
    experiment only reads and no trial had anything to check, the gate is not applicable: there was nothing to lose.
    """
    names = list(dict.fromkeys(invariant.name for trial in trials for invariant in trial.invariants))
    invariants = tuple(_judge(name, trials) for name in names)
    finished = {trial.trial_id for trial in trials}
    unfinished = sum(planned.trial_id not in finished for planned in run.plan)
    gates = [invariant.gate for invariant in invariants if invariant.is_exercised]
    if not gates and WRITES.isdisjoint(run.experiment.operations):
        return GateVerdict(Gate.NOT_APPLICABLE, invariants, unfinished)
    gates = gates or [Gate.UNKNOWN]
    if unfinished:
        gates.append(Gate.UNKNOWN)
    return GateVerdict(worst(gates), invariants, unfinished)


def worst(gates: Sequence[Gate]) -> Gate:
    """Fail before unknown before pass; what is not applicable decides nothing where something else does."""
    return max(gates, key=SEVERITY.__getitem__)


def _judge(name: str, trials: Sequence[TrialRecord]) -> InvariantVerdict:
    found = [(trial.trial_id, _of(trial, name)) for trial in trials]
    telling = [(trial_id, record) for trial_id, record in found if not record.is_vacuous]
    gates = [Gate(record.verdict) for _, record in telling]
    gate = worst(gates or [Gate.UNKNOWN])
    matching = [(trial_id, record) for trial_id, record in telling or found if record.verdict == gate]
    trial_id, record = matching[-1] if gate is Gate.PASS else matching[0]
    return InvariantVerdict(
        name=name,
        gate=gate,
        passed=gates.count(Gate.PASS),
        failed=gates.count(Gate.FAIL),
        unknown=gates.count(Gate.UNKNOWN),
        detail=f"{trial_id}: {record.detail}",
        vacuous=len(found) - len(telling),
        witness=record.witness,
        witness_trial=trial_id if record.witness else "",
    )


def _of(trial: TrialRecord, name: str) -> InvariantRecord:
    reported = [invariant for invariant in trial.invariants if invariant.name == name]
    if not reported:
        return InvariantRecord(name=name, verdict="unknown", detail="it was not checked in this trial")
    return max(reported, key=lambda invariant: SEVERITY[Gate(invariant.verdict)])

"""What a run says of the code that it was carried out on: pure, from the records of its trials."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from experiments.records.schema import TrialRecord

PRODUCT = "the product"
"""The code without any planted bug."""


@dataclass(frozen=True)
class Verdict:
    """One trial of one scenario."""

    subject: str
    """The planted bug, or PRODUCT."""
    scenario: str
    seed: int
    failed: tuple[str, ...] = ()
    """The invariants that were broken."""
    proven_s: float | None = None
    """From the beginning of the load to the last event of the earliest witness."""
    detail: str = ""
    """What the earliest witness proves; for a trial that could not be carried out, why."""
    unknown: tuple[str, ...] = ()
    """The invariants of which nothing can be said."""
    reasons: tuple[str, ...] = ()
    """Why the trial is invalid: it showed less than it should have."""
    is_judged: bool = True
    """There is a trial whose invariants were checked."""

    @property
    def found(self) -> bool:
        """Something is wrong with the code, as far as the invariants tell."""
        return bool(self.failed)

    @property
    def counts(self) -> bool:
        """The trial was what it should have been."""
        return self.is_judged and not self.reasons


def judged(subject: str, scenario: str, seed: int, trial: TrialRecord) -> Verdict:
    """The verdict of a recorded trial."""
    failures = [record for record in trial.invariants if record.verdict == "fail"]
    proven = sorted((max(event.at_s for event in record.witness), record.detail) for record in failures if record.witness)
    return Verdict(
        subject=subject,
        scenario=scenario,
        seed=seed,
        failed=tuple(record.name for record in failures),
        proven_s=proven[0][0] if proven else None,
        detail=proven[0][1] if proven else "",
        unknown=tuple(record.name for record in trial.invariants if record.verdict == "unknown"),
        reasons=trial.reasons,
    )


def not_carried_out(subject: str, scenario: str, seed: int, why: str) -> Verdict:
    """The verdict where there is no trial."""
    return Verdict(subject=subject, scenario=scenario, seed=seed, detail=why, is_judged=False)


@dataclass(frozen=True)
class Summary:
    """All runs of one subject in one scenario."""

    subject: str
    scenario: str
    runs: int
    """Those that count."""
    found: int
    invariants: Mapping[str, int]
    """In how many runs each was broken, the most frequent first."""
    unknown: Mapping[str, int]
    """In how many runs nothing can be said of each."""
    median_s: float | None
    """Of :attr:`Verdict.proven_s`."""
    not_counted: int
    """Runs whose trial is invalid, or that could not be carried out."""
    alarms: int
    """Runs, also those that don't count, in which something was found."""

    @property
    def is_as_wanted(self) -> bool:
        """A planted bug was found, and in every run that counts; the product has such runs, and nothing was found in any."""
        if self.subject == PRODUCT:
            return self.runs > 0 and self.alarms == 0
        return self.alarms > 0 and self.found == self.runs


def summaries(verdicts: Iterable[Verdict]) -> tuple[Summary, ...]:
    """One for each subject and scenario, in the order of their first runs."""
    grouped: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in verdicts:
        grouped.setdefault((verdict.subject, verdict.scenario), []).append(verdict)
    return tuple(_summary(subject, scenario, found) for (subject, scenario), found in grouped.items())


def _summary(subject: str, scenario: str, everything: Sequence[Verdict]) -> Summary:
    verdicts = [verdict for verdict in everything if verdict.counts]
    times_s = [verdict.proven_s for verdict in verdicts if verdict.proven_s is not None]
    return Summary(
        subject=subject,
        scenario=scenario,
        runs=len(verdicts),
        found=sum(verdict.found for verdict in verdicts),
        invariants=_counted(name for verdict in verdicts for name in verdict.failed),
        unknown=_counted(name for verdict in verdicts for name in verdict.unknown),
        median_s=median(times_s) if times_s else None,
        not_counted=len(everything) - len(verdicts),
        alarms=sum(verdict.found for verdict in everything),
    )


def _counted(names: Iterable[str]) -> Mapping[str, int]:
    return dict(Counter(names).most_common())

"""Each comparison of a capacity run against what it must reach and what it aims at, and over-enrolment as a gate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from experiments.definition import TRIALS_FOR_A_VERDICT, Comparison, Implementation, Quantity
from experiments.records.capacity import Measurement, PlannedMeasurement
from reports.analysis.capacity import CapacitySummary, Compared
from reports.analysis.estimates import Estimate, Unmeasured
from reports.measurements import CapacityData
from reports.verdicts.gate import Gate, GateVerdict, InvariantVerdict, worst

COUNTS = frozenset({Quantity.SQL_STATEMENTS, Quantity.OVERBOOKED_COURSES, Quantity.OVERBOOKED_SEATS, Quantity.FAILED_REQUESTS})
"""Quantities of which a bound is meant of every round: one round that misses it decides, whatever the median is."""
NO_OVER_ENROLMENT = "no_over_enrolment"


class Reached(StrEnum):
    """What the rounds say of a comparison."""

    AIM = "aim reached"
    """The whole interval is as good as the aim or better."""
    MUST = "must reached"
    """The whole interval is as good as it must be, and not all of it as good as the aim."""
    MISSED = "missed"
    """The whole interval falls short of what it must reach."""
    INCONCLUSIVE = "inconclusive"
    """The interval reaches across what it must reach, or there is no interval: with too few rounds there never is."""


@dataclass(frozen=True)
class ComparisonVerdict:
    """A comparison, what was measured and what follows."""

    compared: Compared
    outcome: Reached
    reason: str

    @property
    def rounds(self) -> int:
        """Rounds that it rests on."""
        return len(self.compared.rounds)

    @property
    def is_over_every_round(self) -> bool:
        """Whether each single round has to reach what is asked, instead of the typical one."""
        return _is_over_every_round(self.compared.comparison)

    @property
    def worst(self) -> float:
        """The round that is furthest from what is asked; there must be one."""
        values = [observation.low for observation in self.compared.rounds.values()]
        return min(values) if self.compared.comparison.direction == "at_least" else max(values)


def judge_comparisons(summary: CapacitySummary) -> tuple[ComparisonVerdict, ...]:
    """Every comparison of the experiment, in its order."""
    return tuple(_judge(compared) for compared in summary.compared)


def _judge(compared: Compared) -> ComparisonVerdict:
    if _is_over_every_round(compared.comparison) and compared.rounds:
        return ComparisonVerdict(compared, *judge_every_round(compared))
    if isinstance(compared.figure, Unmeasured):
        return ComparisonVerdict(compared, Reached.INCONCLUSIVE, compared.figure.reason)
    return ComparisonVerdict(compared, *judge_reached(compared.figure, compared.comparison))


def judge_reached(figure: Estimate, comparison: Comparison) -> tuple[Reached, str]:
    """The outcome by the place of the interval, and why."""
    if figure.trials < TRIALS_FOR_A_VERDICT:
        return Reached.INCONCLUSIVE, _too_few(figure.trials)
    must = [comparison.reaches(end, comparison.must) for end in (figure.low, figure.high)]
    aim = [comparison.reaches(end, comparison.aim) for end in (figure.low, figure.high)]
    if all(aim):
        return Reached.AIM, "the whole interval reaches the aim"
    if all(must):
        return Reached.MUST, "the whole interval reaches what it must and " + (
            "reaches across the aim" if any(aim) else "falls short of the aim"
        )
    if any(must):
        return Reached.INCONCLUSIVE, "the interval reaches across what it must reach"
    return Reached.MISSED, "the whole interval falls short of what it must reach"


def judge_every_round(compared: Compared) -> tuple[Reached, str]:
    """The outcome of a bound on every round, and why: one that misses it is enough."""
    comparison, rounds = compared.comparison, compared.rounds
    missed = [number for number, found in rounds.items() if not comparison.reaches(found.low, comparison.must)]
    if missed:
        return Reached.MISSED, f"{len(missed)} of {len(rounds)} rounds miss what each must reach, the first is round {missed[0]}"
    if isinstance(compared.figure, Unmeasured):
        return Reached.INCONCLUSIVE, compared.figure.reason
    if len(rounds) < TRIALS_FOR_A_VERDICT:
        return Reached.INCONCLUSIVE, _too_few(len(rounds))
    if all(comparison.reaches(found.low, comparison.aim) for found in rounds.values()):
        return Reached.AIM, "every round reaches the aim"
    return Reached.MUST, "every round reaches what it must, and not every one the aim"


def _is_over_every_round(comparison: Comparison) -> bool:
    return comparison.reference is None and comparison.subject.quantity in COUNTS


def _too_few(rounds: int) -> str:
    return f"{rounds} round{'' if rounds == 1 else 's'}: a verdict takes {TRIALS_FOR_A_VERDICT}"


def judge_over_enrolment(run: CapacityData) -> GateVerdict:
    """Whether the product ever gave away more seats than there are; in invalid measurements too, because a broken promise is one.

    What the plan was to check and nobody did keeps the gate from passing; a run that checks it nowhere is unknown.
    """
    planned = [one for one in run.record.plan if _is_checked(run, one)]
    made = {one.planned.position: one for one in run.measurements}
    found = {one: made[one.position] for one in planned if one.position in made}
    gates = [_gate(one) for one in found.values()]
    unfinished = len(planned) - len(found)
    if not gates:
        return GateVerdict(Gate.UNKNOWN, (), unfinished)
    gate = worst(gates)
    invariant = InvariantVerdict(
        name=NO_OVER_ENROLMENT,
        gate=gate,
        passed=gates.count(Gate.PASS),
        failed=gates.count(Gate.FAIL),
        unknown=gates.count(Gate.UNKNOWN),
        detail=_detail(found, gate),
    )
    return GateVerdict(worst([gate, *([Gate.UNKNOWN] if unfinished else [])]), (invariant,), unfinished)


def _is_checked(run: CapacityData, planned: PlannedMeasurement) -> bool:
    quantities = run.record.experiment.path(planned.path).quantities
    return planned.implementation is Implementation.PRODUCT and Quantity.OVERBOOKED_COURSES in quantities


def _gate(measurement: Measurement) -> Gate:
    courses = measurement.values.get(Quantity.OVERBOOKED_COURSES)
    if courses is None:
        return Gate.UNKNOWN
    return Gate.FAIL if courses > 0 else Gate.PASS


def _detail(found: Mapping[PlannedMeasurement, Measurement], gate: Gate) -> str:
    matching = [(planned, one) for planned, one in found.items() if _gate(one) is gate]
    planned, one = matching[-1] if gate is Gate.PASS else matching[0]
    where = f"round {planned.round}, {planned.path}"
    if gate is Gate.UNKNOWN:
        return f"{where}: not counted" + (f", {one.reason}" if one.reason else "")
    courses, seats = one.values[Quantity.OVERBOOKED_COURSES], one.values.get(Quantity.OVERBOOKED_SEATS, 0.0)
    decisions = one.values.get(Quantity.DECISIONS, 0.0)
    return f"{where}: over-enrolled courses: {courses:g}, seats too many: {seats:g}, decisions: {decisions:,.0f}"

"""One capacity run as a section of the page."""

from __future__ import annotations

from dataclasses import dataclass, replace

from experiments.definition import TRIALS_FOR_A_VERDICT, CapacityExperiment, Implementation, Quantity
from reports.analysis.capacity import CapacitySummary, summarise_capacity
from reports.analysis.estimates import Estimate
from reports.measurements import CapacityData
from reports.page.capacity_charts import capacity_chart, overload_chart
from reports.page.capacity_record_tables import capacity_load_table, measurements_table, paths_table, rounds_table, values_tables
from reports.page.capacity_tables import comparisons_table, sides_tables
from reports.page.capacity_words import CLOSED_LOOP, IMPLEMENTATIONS
from reports.page.data import Judgement, Part, Section, Term
from reports.page.formats import count, interval, value
from reports.page.judgements import comparison_judgement, gate_judgement
from reports.page.parts import filled, head_facts, head_warnings, present, reproduce
from reports.page.record_tables import invariants_table
from reports.page.setup_tables import Factors, environment_table, factors_table
from reports.verdicts.comparisons import ComparisonVerdict, judge_comparisons, judge_over_enrolment
from reports.verdicts.gate import GateVerdict


@dataclass(frozen=True, eq=False)
class JudgedCapacity:
    """A capacity run with everything that was computed of it."""

    run: CapacityData
    summary: CapacitySummary
    comparisons: tuple[ComparisonVerdict, ...]
    gate: GateVerdict


def judge_capacity(run: CapacityData) -> JudgedCapacity:
    """Compute and judge a capacity run."""
    summary = summarise_capacity(run)
    return JudgedCapacity(run, summary, judge_comparisons(summary), judge_over_enrolment(run))


def capacity_section(judged: JudgedCapacity, anchor: str) -> Section:
    """The section of one capacity run; the anchor is unique on its page and begins the names of its charts, tables and CSV files."""
    record = judged.run.record
    return Section(
        anchor=anchor,
        title=record.experiment.title,
        question=record.experiment.question,
        facts=_facts(judged.run),
        warnings=_warnings(judged),
        gate=_gate(judged),
        claims=tuple(comparison_judgement(verdict) for verdict in judged.comparisons),
        parts=_parts(judged, anchor),
    )


def _facts(run: CapacityData) -> tuple[Term, ...]:
    record = run.record
    return (
        *head_facts(record),
        Term("rounds", f"{record.experiment.trials} planned, {run.finished_rounds} finished"),
        Term("measurements", f"{len(record.plan)} planned, {len(run.measurements)} finished, {run.valid} valid"),
        Term("seed", str(record.experiment.seed)),
        Term("load", "closed loop"),
    )


def _warnings(judged: JudgedCapacity) -> tuple[str, ...]:
    run = judged.run
    warnings = [*run.warnings, *head_warnings(run.record, "rounds")]
    if invalid := len(run.measurements) - run.valid:
        left_out = f"{count(invalid, 'invalid measurement')} left out of all estimates and verdicts"
        warnings.append(f"{left_out}; the table of measurements has the reasons.")
    if not run.valid:
        warnings.append("No measurement is valid: nothing can be said about the question.")
    elif any(verdict.rounds < TRIALS_FOR_A_VERDICT for verdict in judged.comparisons):
        warnings.append(
            f"Fewer than {TRIALS_FOR_A_VERDICT} valid rounds of a comparison: it has no verdict, and ranges stand for intervals."
        )
    return tuple(warnings)


def _gate(judged: JudgedCapacity) -> Judgement:
    """Over-enrolment by the product is judged; what the others did is a fact beside it."""
    found = gate_judgement(judged.gate, "measurement of the product")
    facts = " ".join(
        f"The {IMPLEMENTATIONS[side.implementation]} over-enrolled {value(courses)} {interval(courses)} courses a round, "
        "which is shown and not judged."
        for side in judged.summary.sides.values()
        if side.implementation is not Implementation.PRODUCT
        for courses in (side.figures.get(Quantity.OVERBOOKED_COURSES),)
        if isinstance(courses, Estimate)
    )
    return replace(found, remark=f"{found.remark} {facts}".strip())


def _parts(judged: JudgedCapacity, anchor: str) -> tuple[Part, ...]:
    run, summary = judged.run, judged.summary
    record, experiment = run.record, run.record.experiment
    candidates = (
        Part(
            f"{anchor}-ratios",
            "Capacity, side by side",
            text=CLOSED_LOOP,
            charts=present(capacity_chart(experiment, summary, anchor)),
            tables=filled(comparisons_table(judged.comparisons, anchor)),
        ),
        Part(f"{anchor}-overloaded", "Overload", charts=present(overload_chart(experiment, summary, anchor))),
        Part(
            f"{anchor}-sides",
            "What each side did",
            text="Medians over valid rounds, with their intervals. The latencies are those of a saturated system, not what users see.",
            tables=filled(*sides_tables(experiment, summary, anchor)),
        ),
        Part(
            f"{anchor}-trials",
            "Measurements and invariants",
            tables=filled(invariants_table(judged.gate, anchor), measurements_table(run, anchor)),
        ),
        Part(
            f"{anchor}-by-round",
            "Round by round",
            tables=filled(rounds_table(judged.comparisons, anchor), *values_tables(run, anchor)),
            is_folded=True,
        ),
        Part(
            f"{anchor}-setup",
            "Set-up",
            tables=filled(
                paths_table(experiment, anchor), capacity_load_table(experiment, anchor), factors_table(_deployed(experiment), anchor)
            ),
            is_folded=True,
        ),
        Part(f"{anchor}-environment", "Environment", tables=filled(environment_table(record, anchor)), is_folded=True),
        reproduce(record, f"The seed {experiment.seed} fixes the data, the order of the measurements and what is asked for.", anchor),
    )
    return tuple(part for part in candidates if part.tables or part.charts or part.commands)


def _deployed(experiment: CapacityExperiment) -> dict[str, tuple[str, Factors]]:
    """The deployments that were measured, by name with their title and factors."""
    found: dict[str, tuple[str, Factors]] = {}
    for path in experiment.paths:
        for implementation in path.implementations:
            if implementation is not Implementation.HELLO:
                cached = "with cache" if path.cache else "no cache"
                topology = experiment.topology_of(implementation, cache=path.cache).model_dump()
                found[f"{implementation.value}_{cached.replace(' ', '_')}"] = (f"{IMPLEMENTATIONS[implementation]}, {cached}", topology)
    return found

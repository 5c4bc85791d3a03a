"""What is gathered while a trial runs, and the record that is made of it, also when a stage failed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from experiments.definition import Experiment, Fault, LinkFault, Phase, Phases, Treatment
from experiments.invariants.checkers import check
from experiments.invariants.history import MISSING, History
from experiments.probes.sampler import Sample, table
from experiments.random_faults import faults_of
from experiments.records.files import Trial
from experiments.records.history import CourseRow, Event, Row
from experiments.records.schema import (
    REQUEST_SCHEMA,
    ClockRecord,
    CourseState,
    FaultRecord,
    PhaseRecord,
    PlannedTrial,
    ProbeRecord,
    StateRecord,
    TrialRecord,
)
from experiments.records.validity import RequestTimes, slip_p99_ms
from experiments.resets import reset_words
from experiments.runner.chronicle import Chronicle
from experiments.runner.interfaces import Load, LoadResult
from infra.topology import Topology


@dataclass
class Attempt:
    """One trial in the making; each stage adds its part."""

    experiment: Experiment
    planned: PlannedTrial
    scratch: Path
    """Folder for what the load generator and the lab hand each other."""
    run_id: str | None = None
    """The run that it belongs to; None: none, as in a test of a single stage."""
    epoch_s: float | None = None
    """The trial's time 0 on the monotonic clock, once there is load."""
    epoch_unix_s: float | None = None
    """The same on the wall clock, as it was when the load began."""
    clock: ClockRecord | None = None
    """Both ends of the load, once it is over."""
    load: LoadResult | None = None
    samples: list[Sample] = field(default_factory=list)
    probes: tuple[ProbeRecord, ...] = ()
    faults: tuple[FaultRecord, ...] = ()
    rows_before: Sequence[Row] = ()
    """The business state before the load."""
    known: Mapping[str, str] = field(default_factory=dict)
    """The state of each enrolment that was there before the load, by id."""
    chronicle: Chronicle | None = None
    """The history, once there is a load generator."""
    generator: Load | None = None
    """Gets ready from its launch until the load stage."""
    undo: ExitStack = field(default_factory=ExitStack)
    """Ends what was launched, if the load stage does not come to it."""
    reasons: list[str] = field(default_factory=list)
    """Why the trial is invalid."""

    @property
    def treatment(self) -> Treatment:
        """What is measured."""
        return self.experiment.treatment(self.planned.treatment)

    @property
    def topology(self) -> Topology:
        """What it is measured on."""
        return self.experiment.topology_of(self.treatment)

    @property
    def planned_faults(self) -> tuple[Fault | LinkFault, ...]:
        """What is to be broken, in the treatment's plan or drawn from the trial's seed."""
        return faults_of(self.experiment, self.treatment, self.planned.seed)

    @property
    def phases(self) -> tuple[PhaseRecord, ...]:
        """Where the phases lie."""
        return phase_records(self.experiment.phases)

    @property
    def requests(self) -> pa.Table:
        """What the load generator recorded; empty if it failed."""
        return REQUEST_SCHEMA.empty_table() if self.load is None else self.load.requests

    @property
    def journals(self) -> Path:
        """Folder of what the history is made of, until the trial is recorded; it outlives whoever is killed."""
        return self.scratch / self.planned.trial_id

    def trial(self) -> tuple[Trial, History]:
        """The whole trial and its history as they go into the run directory; nothing is added to it after this."""
        events: tuple[Event, ...] = ()
        if self.chronicle is not None:
            self.chronicle.close()
            events = self.chronicle.events()
            self.reasons += self.chronicle.problems()
        history = History(events)
        record = TrialRecord(
            trial_id=self.planned.trial_id,
            run_id=self.run_id,
            position=self.planned.position,
            attempt=self.planned.attempt,
            bring_up=self.planned.bring_up,
            block=self.planned.block,
            treatment=self.planned.treatment,
            seed=self.planned.seed,
            epoch_unix_s=time.time() if self.epoch_unix_s is None else self.epoch_unix_s,
            phases=self.phases,
            topology=self.topology,
            faults=self.faults,
            offered=0 if self.load is None else self.load.offered,
            reset=reset_words(self.experiment),
            slip_p99_ms=slip_p99_ms(self.phases, RequestTimes.of(self.requests)),
            clock=self.clock,
            probes=self.probes,
            valid=not self.reasons,
            reasons=tuple(self.reasons),
            invariants=check(history),
        )
        return Trial(record=record, state=state_record(history), requests=self.requests, samples=table(self.samples)), history


def phase_records(phases: Phases) -> tuple[PhaseRecord, ...]:
    """The phases one after the other from time 0; one that lasts no time is left out."""
    found: list[PhaseRecord] = []
    start_s = 0.0
    lengths = ((Phase.WARM_UP, phases.warm_up_s), (Phase.MEASURE, phases.measure_s), (Phase.COOL_DOWN, phases.cool_down_s))
    for phase, length_s in lengths:
        if length_s > 0:
            found.append(PhaseRecord(phase=phase, start_s=start_s, end_s=start_s + length_s))
        start_s += length_s
    return tuple(found)


def state_record(history: History) -> StateRecord:
    """The final state as counts, for the run directory."""
    if not history.is_read:
        return StateRecord(settled=False, courses=(), outcomes={}, rejections={})
    states = [history.final.get(enrollment) for enrollment in history.accepted]
    rows = [row for row in history.rows(CourseRow) if row.moment == "final" and row.source == "api"]
    return StateRecord(
        settled=history.is_quiet,
        settled_at_s=None if history.settled is None else history.settled.at_s,
        courses=tuple(
            CourseState(course_id=row.course, capacity=row.capacity or 0, taken=row.taken or 0, enrolled=row.enrolled or 0) for row in rows
        ),
        outcomes=_counts([MISSING if state is None else state.state for state in states]),
        rejections=_counts([state.reason or "unknown" for state in states if state is not None and state.state == "rejected"]),
    )


def _counts(values: Sequence[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))

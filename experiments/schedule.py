"""The load of one trial, decided before it begins: what is asked, of whom, and when, from the seed.

The population's popularity follows Zipf's law over its ranks. A student never asks twice for the same course within a run: each
course has its own order of students, cut into equal shares, and each trial takes the students of its own share in turn. A repeat of
a trial takes those that are left of the share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from experiments.arrivals import arrival_times
from experiments.definition import Experiment, Operation, Phase, Phases, Treatment
from experiments.definition.popularity import PAGE_SIZE, pages
from experiments.errors import ExperimentError
from experiments.randomness import draw, generator, zipf_ranks
from experiments.seeding import SeededPopulation

READ_AFTER_S: Final = 0.5
"""How long after its enrolment request a student looks at its outcome at the earliest, so that its id has mostly come back."""
RECENT_ENROLLMENTS: Final = 50
"""Outcomes are looked up of the latest so many requests: students look at what they have just sent."""
UPDATED_COURSES: Final = 5
"""The most popular courses, whose capacity operators change: where seats are scarce."""
CAPACITY_SPAN: Final = (0.5, 1.5)
"""New capacities, relative to the median one: both above and below what a course has."""

SCHEDULE_SCHEMA: Final = pa.schema(
    [
        pa.field("intended_s", pa.float64(), nullable=False),
        pa.field("phase", pa.string(), nullable=False),
        pa.field("operation", pa.string(), nullable=False),
        pa.field("course_id", pa.int64(), nullable=True),  # read_course, enroll, reuse_key, read_seats, update_capacity
        pa.field("student_id", pa.int64(), nullable=True),  # read_student, enroll, reuse_key, update_student
        pa.field("offset", pa.int64(), nullable=True),  # list_courses: the first course of the page
        pa.field("enrolled_by", pa.int64(), nullable=True),  # read_enrollment, drop: row of the enroll that it is about
    ]
)
CAPACITY_FIELD: Final = pa.field("capacity", pa.int64(), nullable=True)
"""update_capacity: the new capacity; a column that only schedules with this operation have, so that others stay what they were."""

_OPERATIONS: Final = tuple(Operation)
_ENROLLING: Final = (Operation.ENROLL, Operation.REUSE_KEY)
_ABOUT_A_COURSE: Final = (*_ENROLLING, Operation.READ_COURSE, Operation.READ_SEATS, Operation.UPDATE_CAPACITY)
_ABOUT_A_STUDENT: Final = (*_ENROLLING, Operation.READ_STUDENT, Operation.UPDATE_STUDENT)
_ABOUT_AN_ENROLMENT: Final = (Operation.READ_ENROLLMENT, Operation.DROP)
_Integers = NDArray[np.int64]


class ScheduleError(ExperimentError):
    """A load that the experiment's data can't give."""


@dataclass(frozen=True)
class Schedule:
    """Every request of one trial, sorted by intended time (SCHEDULE_SCHEMA, CAPACITY_FIELD); its row number is the request's name."""

    table: pa.Table

    @property
    def offered(self) -> int:
        """How many requests are to be sent."""
        return int(self.table.num_rows)

    def write(self, path: Path) -> None:
        """Write it to a Parquet file, for the process that sends it."""
        pq.write_table(self.table, path)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what :meth:`write` wrote."""
        return cls(pq.read_table(path))


def build(
    experiment: Experiment, seeded: SeededPopulation, treatment: Treatment, *, trial_seed: int, block: int, attempt: int = 1
) -> Schedule:
    """The schedule of one trial; the same arguments give the same bytes.

    Times, operations and courses come from ``trial_seed`` and from the rate and the popularity under ``treatment``, so that trials with the
    same seed get the same load where their treatments don't differ in these. ``block`` says
    which share of the (student, course) pairs the trial may use: its block, or its position in the plan if the enrolments of the
    other trials of its block are still there when it runs. It also says which courses are the hot ones, if there are any: as far as
    the courses last, no two trials have the same, so that each begins with free seats. ``attempt`` is 1, or more for a repeat of the
    trial of that share: it has the same times and operations, and those of the share's students whom no earlier attempt has taken.

    Raises:
        ScheduleError: outcomes are to be read or dropped and nothing enrols, or there are too few students for so many enrolments.
        ValueError: ``block`` is not that of a trial of this experiment.
    """
    shares = experiment.trials * len(experiment.treatments)
    if not 0 <= block < shares:
        raise ValueError(f"block {block} is not in 0..{shares - 1}")
    rng = generator(trial_seed, "load")
    times = arrival_times(experiment.arrivals_of(treatment), experiment.phases.total_s, rng)
    operations = _operations(experiment, times, rng)
    count = len(times)
    exponent = experiment.zipf_exponent_of(treatment)
    courses = zipf_ranks(rng, count, len(seeded.course_ids), exponent)
    students = zipf_ranks(rng, count, len(seeded.student_ids), exponent)
    listed = zipf_ranks(rng, count, pages(len(seeded.course_ids)), exponent)
    earlier = _recent_enrollments(times, operations, rng.random(count))

    enrolling = _any_of(operations, *_ENROLLING)
    asked = []
    for its_share in range(block, block + attempt * shares, shares):
        hot = _hot_courses(experiment, its_share, len(seeded.course_ids))
        if hot is not None:
            rushing = enrolling & _in_spike(experiment, times, otherwise=True)
            courses[rushing] = hot[generator(trial_seed, "hot").integers(0, len(hot), np.count_nonzero(rushing))]
        asked.append(courses[enrolling])
    order = generator(experiment.seed, "pairs")
    courses[enrolling], students[enrolling] = _pairs(asked, seeded, order, share=block, shares=shares)
    updating = operations == _code(Operation.UPDATE_CAPACITY)
    if updates := any(mix.get(Operation.UPDATE_CAPACITY, 0) > 0 for mix in experiment.mixes):
        scarce = np.arange(min(UPDATED_COURSES, len(seeded.course_ids))) if hot is None else hot
        courses[updating] = scarce[rng.integers(0, len(scarce), count)[updating]]
        low, high = (round(share * experiment.dataset.capacity) for share in CAPACITY_SPAN)
        capacities = pa.array(rng.integers(low, high + 1, count), mask=~updating)
    course_ids = np.array(seeded.course_ids, dtype=np.int64)
    student_ids = np.array(seeded.student_ids, dtype=np.int64)
    columns = [
        pa.array(times),
        pa.array(np.array([str(phase) for phase in Phase])[_phases(times, experiment.phases)]),
        pa.array(np.array([str(operation) for operation in _OPERATIONS])[operations]),
        pa.array(course_ids[courses], mask=~_any_of(operations, *_ABOUT_A_COURSE)),
        pa.array(student_ids[students], mask=~_any_of(operations, *_ABOUT_A_STUDENT)),
        pa.array(listed * PAGE_SIZE, mask=operations != _code(Operation.LIST_COURSES)),
        pa.array(earlier, mask=~_any_of(operations, *_ABOUT_AN_ENROLMENT)),
    ]
    table = pa.table(columns, schema=SCHEDULE_SCHEMA)
    return Schedule(table.append_column(CAPACITY_FIELD, capacities) if updates else table)


def _code(operation: Operation) -> int:
    return _OPERATIONS.index(operation)


def _any_of(operations: _Integers, *wanted: Operation) -> NDArray[np.bool_]:
    return np.isin(operations, [_code(operation) for operation in wanted])


def _phases(times: NDArray[np.float64], phases: Phases) -> _Integers:
    bounds = np.array([phases.warm_up_s, phases.warm_up_s + phases.measure_s])
    codes: _Integers = np.searchsorted(bounds, times, side="right")
    return codes


def _in_spike(experiment: Experiment, times: NDArray[np.float64], *, otherwise: bool) -> NDArray[np.bool_]:
    """Which arrivals are in the spike; ``otherwise`` is what holds for all where there is none."""
    if (spike := experiment.arrivals.spike) is None:
        return np.full(len(times), otherwise)
    return (times >= spike.at_s) & (times < spike.end_s)


def _hot_courses(experiment: Experiment, share: int, everything: int) -> _Integers | None:
    """Ranks of the courses that everybody wants in the trial with this share; None where nobody agrees on any."""
    if experiment.hot_courses is None:
        return None
    found: _Integers = (share * experiment.hot_courses + np.arange(min(experiment.hot_courses, everything))) % everything
    return found


def _operations(experiment: Experiment, times: NDArray[np.float64], rng: np.random.Generator) -> _Integers:
    """The operation of each arrival, drawn by the weights of the mix, in a spike by those of its own."""
    for mix in experiment.mixes:
        for operation in _ABOUT_AN_ENROLMENT:
            if mix.get(operation, 0) > 0 and not any(other.get(Operation.ENROLL, 0) > 0 for other in experiment.mixes):
                raise ScheduleError(
                    f"{experiment.name}: mix has {operation} and no enroll, so there is nothing that it could be about; add enroll"
                )
    operations = draw(rng, len(times), _weights(experiment.mix))
    spike = experiment.arrivals.spike
    if spike is not None and spike.mix is not None:
        spiking = _in_spike(experiment, times, otherwise=False)
        operations[spiking] = draw(rng, len(times), _weights(spike.mix))[spiking]
    enrollments = times[operations == _code(Operation.ENROLL)]
    first_s = enrollments[0] if len(enrollments) else np.inf
    # Until something is there to be read or dropped, who would do that enrols instead: the rate stays as it is.
    too_early = _any_of(operations, *_ABOUT_AN_ENROLMENT) & (times < first_s + READ_AFTER_S)
    operations[too_early] = _code(Operation.ENROLL)
    return operations


def _weights(mix: Mapping[Operation, float]) -> NDArray[np.float64]:
    return np.array([mix.get(operation, 0.0) for operation in _OPERATIONS])


def _recent_enrollments(times: NDArray[np.float64], operations: _Integers, uniform: NDArray[np.float64]) -> _Integers:
    """For each arrival the row of one of the latest enrolments of at least READ_AFTER_S before; 0 where there is none."""
    rows = np.flatnonzero(operations == _code(Operation.ENROLL))
    if not len(rows):
        return np.zeros(len(times), dtype=np.int64)
    before = np.searchsorted(times[rows], times - READ_AFTER_S, side="right")
    back = (uniform * np.minimum(before, RECENT_ENROLLMENTS)).astype(np.int64)
    earlier: _Integers = rows[np.maximum(before - 1 - back, 0)]
    return earlier


def _pairs(
    asked: Sequence[_Integers], seeded: SeededPopulation, rng: np.random.Generator, *, share: int, shares: int
) -> tuple[_Integers, _Integers]:
    """Ranks of course and student of each enrolment: the courses as drawn, as far as the share's students for them last.

    ``asked`` are the courses that each attempt at the trial asks for; the ranks are those of the last one.
    """
    everybody = len(seeded.student_ids)
    each = everybody // shares
    order = rng.permutation(everybody)
    starts = rng.integers(0, everybody, len(seeded.course_ids))
    taken = np.zeros(len(seeded.course_ids), dtype=np.int64)
    for attempt, wanted in enumerate(asked, start=1):
        room = each - taken
        if len(wanted) > room.sum():
            again = f" in attempt {attempt}" if attempt > 1 else ""
            raise ScheduleError(
                f"the trial enrols {len(wanted)} times{again} and {shares} trials share {everybody} students and "
                f"{len(seeded.course_ids)} courses; raise dataset.students, or lower the weights of enroll and reuse_key, the rate or the "
                f"trials"
            )
        courses = _spill(wanted, room)
        turns = taken[courses] + _turns(courses)
        taken = taken + np.bincount(courses, minlength=len(taken))
    return courses, order[(starts[courses] + share * each + turns) % everybody]


def _spill(courses: _Integers, room: _Integers) -> _Integers:
    """The courses with what goes beyond the ``room`` of one of them moved to the most popular ones that have some left."""
    beyond = _turns(courses) >= room[courses]
    taken = np.minimum(np.bincount(courses, minlength=len(room)), room)
    moved = courses.copy()
    moved[beyond] = np.searchsorted(np.cumsum(room - taken), np.arange(np.count_nonzero(beyond)), side="right")
    return moved


def _turns(values: _Integers) -> _Integers:
    """For each element how many equal ones come before it."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    turns = np.empty(len(values), dtype=np.int64)
    turns[order] = np.arange(len(values)) - np.searchsorted(ordered, ordered, side="left")
    return turns

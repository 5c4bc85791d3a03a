"""The schedule of a trial."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.definition import Arrivals, Dataset, Experiment, Operation, Phases, Spike, Treatment
from experiments.definition.popularity import PAGE_SIZE
from experiments.schedule import (
    CAPACITY_FIELD,
    READ_AFTER_S,
    SCHEDULE_SCHEMA,
    UPDATED_COURSES,
    Schedule,
    ScheduleError,
    build,
)
from experiments.seeding import SeededPopulation

MIX = {
    Operation.READ_COURSE: 40.0,
    Operation.LIST_COURSES: 10.0,
    Operation.READ_STUDENT: 20.0,
    Operation.ENROLL: 20.0,
    Operation.READ_ENROLLMENT: 10.0,
}
SEEDED = SeededPopulation(course_ids=tuple(range(501, 701)), student_ids=tuple(range(3001, 4001)))


def _experiment(
    *, mix: dict[Operation, float] | None = None, rate_per_s: float = 100.0, trials: int = 2, zipf_exponent: float = 1.1
) -> Experiment:
    return Experiment(
        name="sample",
        title="A sample",
        question="What is sent?",
        treatments=(Treatment(name="one", title="one"), Treatment(name="two", title="two")),
        mix=MIX if mix is None else mix,
        dataset=Dataset(zipf_exponent=zipf_exponent),
        arrivals=Arrivals(rate_per_s=rate_per_s),
        phases=Phases(warm_up_s=2, measure_s=7, cool_down_s=1),
        trials=trials,
    )


def _build(
    experiment: Experiment, seeded: SeededPopulation, *, trial_seed: int, block: int, attempt: int = 1, treatment: str = "one"
) -> Schedule:
    return build(experiment, seeded, experiment.treatment(treatment), trial_seed=trial_seed, block=block, attempt=attempt)


def _rows(schedule: Schedule, operation: Operation) -> list[dict[str, object]]:
    return [row for row in schedule.table.to_pylist() if row["operation"] == operation]


def test_it_is_the_same_everywhere() -> None:
    """A schedule is what it was on the machine that this digest was taken on, so two processes send the same load."""
    table = _build(_experiment(), SEEDED, trial_seed=5, block=1).table
    assert hashlib.sha256(repr(table.to_pylist()).encode()).hexdigest()[:16] == "d9139278e9e0fbc4"


def test_the_trial_seed_decides() -> None:
    """Another trial seed gives another schedule."""
    first, other = (_build(_experiment(), SEEDED, trial_seed=seed, block=0) for seed in (5, 6))
    assert not first.table.equals(other.table)


def test_treatments_get_the_same_requests_unless_their_load_differs() -> None:
    """Byte for byte; a rate or a popularity of its own changes the requests of that treatment only."""
    experiment = _experiment()
    busy = Treatment(name="busy", title="busy", rate_per_s=300)
    flat = Treatment(name="flat", title="flat", zipf_exponent=0)
    same = Treatment(name="same", title="same", rate_per_s=100, zipf_exponent=1.1, factors={"cache": False})
    experiment = experiment.model_copy(update={"treatments": (*experiment.treatments, busy, flat, same)})
    one, two, busier, flatter, equal = (
        _build(experiment, SEEDED, trial_seed=5, block=0, treatment=name).table for name in ("one", "two", "busy", "flat", "same")
    )
    assert one.equals(two)
    assert one.equals(equal)
    assert busier.num_rows == pytest.approx(3000, abs=4 * 3000**0.5)
    assert flatter.column("intended_s").equals(one.column("intended_s"))
    most_read = [Counter(table.column("course_id").drop_null().to_pylist()).most_common(1)[0][1] for table in (one, flatter)]
    assert most_read[0] > 5 * most_read[1]


def test_another_block_with_the_same_seed_changes_only_who_enrols() -> None:
    """Times, operations, courses and reads come from the trial seed alone; the block picks the students that enrol."""
    first, other = (_build(_experiment(), SEEDED, trial_seed=5, block=block).table for block in (0, 1))
    everything_else = [name for name in SCHEDULE_SCHEMA.names if name != "student_id"]
    assert first.select(everything_else).equals(other.select(everything_else))
    assert not first.equals(other)


@given(trial_seed=st.integers(0, 2**53), enroll=st.floats(0.1, 300), rate_per_s=st.floats(1, 300), zipf_exponent=st.floats(0, 5))
@settings(deadline=None, max_examples=30)
def test_no_pair_is_ever_repeated(trial_seed: int, enroll: float, rate_per_s: float, zipf_exponent: float) -> None:
    """No student asks twice for the same course in a run, over all its blocks and repeats, however skewed the popularity is."""
    experiment = _experiment(mix=MIX | {Operation.ENROLL: enroll}, rate_per_s=rate_per_s, zipf_exponent=zipf_exponent)
    pairs = [
        (row["student_id"], row["course_id"])
        for block in range(4)
        for attempt in (1, 2, 3)
        for row in _rows(_build(experiment, SEEDED, trial_seed=trial_seed + block, block=block, attempt=attempt), Operation.ENROLL)
    ]
    assert len(set(pairs)) == len(pairs)


@given(trial_seed=st.integers(0, 2**53), read=st.floats(0.1, 300))
@settings(deadline=None, max_examples=30)
def test_outcomes_are_read_of_earlier_requests(trial_seed: int, read: float) -> None:
    """Each read of an outcome names the row of an enrolment at least READ_AFTER_S before it."""
    table = _build(_experiment(mix=MIX | {Operation.READ_ENROLLMENT: read}), SEEDED, trial_seed=trial_seed, block=0).table
    rows = table.to_pylist()
    for row in rows:
        if row["operation"] == Operation.READ_ENROLLMENT:
            enrolment = rows[row["enrolled_by"]]
            assert enrolment["operation"] == Operation.ENROLL
            assert enrolment["intended_s"] <= row["intended_s"] - READ_AFTER_S


def test_each_operation_has_its_arguments_and_no_others() -> None:
    """Ids are those that were seeded, pages start at multiples of the page size, and what is not needed is null."""
    needed = {
        Operation.READ_COURSE: {"course_id"},
        Operation.LIST_COURSES: {"offset"},
        Operation.READ_STUDENT: {"student_id"},
        Operation.ENROLL: {"course_id", "student_id"},
        Operation.READ_ENROLLMENT: {"enrolled_by"},
    }
    for row in _build(_experiment(), SEEDED, trial_seed=5, block=0).table.to_pylist():
        arguments = {name for name in ("course_id", "student_id", "offset", "enrolled_by") if row[name] is not None}
        assert arguments == needed[Operation(row["operation"])]
        assert row["course_id"] is None or row["course_id"] in SEEDED.course_ids
        assert row["student_id"] is None or row["student_id"] in SEEDED.student_ids
        assert row["offset"] is None or row["offset"] in range(0, 200, PAGE_SIZE)


REGISTRATION_DAY = MIX | {
    Operation.DROP: 10.0,
    Operation.READ_SEATS: 10.0,
    Operation.UPDATE_CAPACITY: 5.0,
    Operation.UPDATE_STUDENT: 5.0,
    Operation.REUSE_KEY: 5.0,
}


def test_registration_day_has_its_arguments_too() -> None:
    """Drops are about an earlier request, capacities are those of the most popular courses, around the median and on both sides of it."""
    table = _build(_experiment(mix=REGISTRATION_DAY), SEEDED, trial_seed=5, block=0).table
    assert table.schema.equals(SCHEDULE_SCHEMA.append(CAPACITY_FIELD))
    needed = {
        Operation.DROP: {"enrolled_by"},
        Operation.READ_SEATS: {"course_id"},
        Operation.UPDATE_CAPACITY: {"course_id", "capacity"},
        Operation.UPDATE_STUDENT: {"student_id"},
        Operation.REUSE_KEY: {"course_id", "student_id"},
    }
    rows = table.to_pylist()
    for row in rows:
        arguments = {name for name in ("course_id", "student_id", "offset", "enrolled_by", "capacity") if row[name] is not None}
        assert arguments == needed.get(Operation(row["operation"]), arguments - {"capacity"})
        if row["operation"] == Operation.DROP:
            assert rows[row["enrolled_by"]]["operation"] == Operation.ENROLL
            assert rows[row["enrolled_by"]]["intended_s"] <= row["intended_s"] - READ_AFTER_S
    asked = [(row["student_id"], row["course_id"]) for row in rows if row["operation"] in (Operation.ENROLL, Operation.REUSE_KEY)]
    assert len(set(asked)) == len(asked)
    updates = [row for row in rows if row["operation"] == Operation.UPDATE_CAPACITY]
    assert {row["course_id"] for row in updates} <= set(SEEDED.course_ids[:UPDATED_COURSES])
    assert 30 <= min(row["capacity"] for row in updates) < 60 < max(row["capacity"] for row in updates) <= 90


def test_what_is_not_in_the_mix_changes_no_schedule() -> None:
    """An operation of weight 0 leaves the bytes of an experiment from before it existed."""
    without, with_zeros = (
        _build(_experiment(mix=mix), SEEDED, trial_seed=5, block=1).table for mix in (MIX, dict.fromkeys(REGISTRATION_DAY, 0.0) | MIX)
    )
    assert without.equals(with_zeros)
    assert without.schema.equals(SCHEDULE_SCHEMA)


def test_the_mix_is_drawn_by_its_weights() -> None:
    """Of 20,000 arrivals each operation gets its weight's share, within four standard errors."""
    schedule = _build(_experiment(rate_per_s=2000), SEEDED, trial_seed=5, block=0)
    for operation, weight in MIX.items():
        share = weight / sum(MIX.values())
        tolerance = 4 * (share * (1 - share) / schedule.offered) ** 0.5
        assert len(_rows(schedule, operation)) / schedule.offered == pytest.approx(share, abs=tolerance)


def test_an_operation_of_weight_zero_is_never_sent() -> None:
    """Neither at the ends of the mix nor in its middle."""
    schedule = _build(
        _experiment(mix={Operation.LIST_COURSES: 0, Operation.READ_STUDENT: 1, Operation.READ_COURSE: 0}), SEEDED, trial_seed=5, block=0
    )
    assert set(schedule.table["operation"].to_pylist()) == {"read_student"}


def test_popularity_follows_zipf() -> None:
    """The k-th course of the ranking is read in proportion to k to the power of minus the exponent."""
    schedule = _build(_experiment(mix={Operation.READ_COURSE: 1}, rate_per_s=10_000), SEEDED, trial_seed=5, block=0)
    read = np.array([row["course_id"] for row in _rows(schedule, Operation.READ_COURSE)], dtype=int)
    weights = np.arange(1, 201) ** -1.1
    expected = weights / weights.sum()
    for rank in (1, 2, 10, 50):
        share = np.mean(read == SEEDED.course_ids[rank - 1])
        tolerance = 4 * (expected[rank - 1] / len(read)) ** 0.5
        assert share == pytest.approx(expected[rank - 1], abs=tolerance)


def test_phases_are_those_of_the_intended_times() -> None:
    """Warm-up ends at 2 s, the measured phase at 9 s."""
    for row in _build(_experiment(), SEEDED, trial_seed=5, block=0).table.to_pylist():
        expected = "warm_up" if row["intended_s"] < 2 else "measure" if row["intended_s"] < 9 else "cool_down"
        assert row["phase"] == expected


def test_enrolments_beyond_a_course_s_students_go_to_the_next_courses() -> None:
    """Where nearly all want one course, its students of the block are used up and the rest asks for others; nothing is lost."""
    schedule = _build(_experiment(mix={Operation.ENROLL: 1}, zipf_exponent=5), SEEDED, trial_seed=5, block=0)
    courses = [row["course_id"] for row in _rows(schedule, Operation.ENROLL)]
    assert len(courses) == schedule.offered > 800
    # 1,000 students in 4 shares.
    assert courses.count(501) == 250


def test_too_many_enrolments_are_refused() -> None:
    """More enrolments than pairs give an error that names what to change."""
    few = SeededPopulation(course_ids=(1, 2), student_ids=tuple(range(1, 101)))
    with pytest.raises(ScheduleError, match=r"raise dataset\.students"):
        _build(_experiment(mix={Operation.ENROLL: 1}), few, trial_seed=5, block=0)


def test_a_repeat_is_the_same_load_with_other_students() -> None:
    """Times, operations, courses and reads are those of the trial that it repeats."""
    first, again = (_build(_experiment(), SEEDED, trial_seed=5, block=1, attempt=attempt).table for attempt in (1, 2))
    everything_else = [name for name in SCHEDULE_SCHEMA.names if name != "student_id"]
    assert first.select(everything_else).equals(again.select(everything_else))
    assert not first.equals(again)


def test_a_repeat_that_the_students_don_t_suffice_for_is_refused() -> None:
    """The trial itself has what it needs; the error says which attempt has not."""
    few = SeededPopulation(course_ids=(1, 2), student_ids=tuple(range(1, 4001)))
    experiment = _experiment(mix={Operation.ENROLL: 1}, rate_per_s=120)
    assert _build(experiment, few, trial_seed=5, block=0).offered > 1000
    with pytest.raises(ScheduleError, match=r"times in attempt 2 .* raise dataset\.students"):
        _build(experiment, few, trial_seed=5, block=0, attempt=2)


@pytest.mark.parametrize("operation", [Operation.READ_ENROLLMENT, Operation.DROP])
def test_outcomes_without_enrolments_are_refused(operation: Operation) -> None:
    """A mix that reads or drops outcomes and never enrols is an error that names the mend."""
    with pytest.raises(ScheduleError, match="add enroll"):
        _build(_experiment(mix={operation: 1}), SEEDED, trial_seed=5, block=0)


@pytest.mark.parametrize("block", [-1, 4])
def test_a_block_that_the_experiment_does_not_have_is_refused(block: int) -> None:
    """Two trials of two treatments have the shares 0 to 3."""
    with pytest.raises(ValueError, match=r"not in 0\.\.3"):
        _build(_experiment(), SEEDED, trial_seed=5, block=block)


def test_no_arrivals_make_an_empty_schedule() -> None:
    """A rate so low that nothing arrives is no error."""
    schedule = _build(_experiment(rate_per_s=1e-9), SEEDED, trial_seed=5, block=0)
    assert schedule.offered == 0
    assert schedule.table.schema.equals(SCHEDULE_SCHEMA)


def test_a_written_schedule_reads_back(tmp_path: Path) -> None:
    """What is read is what was written."""
    schedule = _build(_experiment(), SEEDED, trial_seed=5, block=0)
    schedule.write(tmp_path / "schedule.parquet")
    assert Schedule.read(tmp_path / "schedule.parquet").table.equals(schedule.table)


HOT = 4
RUSH = Spike(at_s=4, duration_s=3, rate_per_s=400, mix={Operation.ENROLL: 90, Operation.READ_COURSE: 10})


def _registration(*, spike: Spike | None = RUSH) -> Experiment:
    changes = {"hot_courses": HOT, "arrivals": Arrivals(rate_per_s=50, spike=spike), "dataset": Dataset(students=8000)}
    return _experiment().model_copy(update=changes)


MANY = SeededPopulation(course_ids=SEEDED.course_ids, student_ids=tuple(range(3001, 11_001)))


def test_a_spike_has_its_own_mix_and_its_enrolments_are_for_the_hot_courses() -> None:
    """Nine in ten requests of the spike enrol, and all of them for so few courses; before and after, enrolments go by popularity."""
    rows = _build(_registration(), MANY, trial_seed=5, block=1).table.to_pylist()
    spiking = [row for row in rows if RUSH.at_s <= row["intended_s"] < RUSH.end_s]
    enrolling = [row for row in spiking if row["operation"] == Operation.ENROLL]
    assert len(enrolling) / len(spiking) == pytest.approx(0.9, abs=0.04)  # four standard errors of 1,200
    assert len({row["course_id"] for row in enrolling}) == HOT
    assert len({row["course_id"] for row in rows if row["operation"] == Operation.ENROLL and row not in spiking}) > HOT


def test_each_trial_has_hot_courses_of_its_own() -> None:
    """So each begins with free seats, whatever the trials before it took; a repeat too."""
    hot = [
        {
            row["course_id"]
            for row in _rows(_build(_registration(), MANY, trial_seed=5, block=block, attempt=attempt), Operation.ENROLL)
            if RUSH.at_s <= row["intended_s"] < RUSH.end_s  # type: ignore[operator]  # a time is a float
        }
        for block in range(4)
        for attempt in (1, 2)
    ]
    assert all(one.isdisjoint(other) for place, one in enumerate(hot) for other in hot[:place])


def test_without_a_spike_all_enrolments_are_for_the_hot_courses() -> None:
    """And capacities are changed there, where seats are scarce."""
    experiment = _registration(spike=None)
    experiment = experiment.model_copy(update={"mix": MIX | {Operation.UPDATE_CAPACITY: 10}})
    schedule = _build(experiment, MANY, trial_seed=5, block=0)
    wanted, changed = ({row["course_id"] for row in _rows(schedule, of)} for of in (Operation.ENROLL, Operation.UPDATE_CAPACITY))
    assert wanted == changed == set(SEEDED.course_ids[:HOT])

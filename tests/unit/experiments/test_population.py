"""The generated population."""

from __future__ import annotations

import hashlib
import re
import statistics

from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.definition import Dataset
from experiments.population import LONGEST_TRANSCRIPT, Population, generate

DATASETS = st.builds(
    Dataset,
    courses=st.integers(1, 400),
    students=st.integers(1, 50),
    capacity=st.integers(0, 1_000_000),
    chain_length=st.integers(1, 20),
)


def _chain_length(population: Population) -> int:
    prerequisites = {course.code: course.prerequisites for course in population.courses}

    def length(code: str) -> int:
        return 1 + max((length(before) for before in prerequisites[code]), default=0)

    return max(map(length, prerequisites))


@given(dataset=DATASETS, seed=st.integers(0, 2**63 - 1))
@settings(deadline=None)
def test_what_it_promises_holds_for_every_dataset(dataset: Dataset, seed: int) -> None:
    """Codes are unique, prerequisites exist and end in chains no longer than asked for, seats stay within the API's bounds."""
    population = generate(dataset, seed)
    codes = {course.code for course in population.courses}
    assert len(codes) == len(population.courses) == dataset.courses
    assert len(population.students) == dataset.students
    assert all(set(course.prerequisites) <= codes for course in population.courses)
    assert _chain_length(population) <= dataset.chain_length
    assert all(min(1, dataset.capacity) <= course.capacity <= 1_000_000 for course in population.courses)
    assert all(set(student.completed_courses) <= codes for student in population.students)
    assert all(len(student.completed_courses) <= LONGEST_TRANSCRIPT for student in population.students)


def test_the_longest_chain_is_as_long_as_asked_for() -> None:
    """With enough courses, some course is the end of a chain of chain_length courses."""
    assert _chain_length(generate(Dataset(chain_length=6), 1)) == 6


def test_transcripts_hold_what_they_are_built_on() -> None:
    """Nobody has completed a course without having completed its prerequisites."""
    population = generate(Dataset(), 1)
    prerequisites = {course.code: set(course.prerequisites) for course in population.courses}
    for student in population.students:
        completed = set(student.completed_courses)
        assert all(prerequisites[code] <= completed for code in completed)


def test_most_students_meet_most_prerequisites_and_some_do_not() -> None:
    """Of all pairs of a student and a course between 85 and 95 % meet the prerequisites."""
    population = generate(Dataset(), 1)
    met = [set(course.prerequisites) <= set(student.completed_courses) for student in population.students for course in population.courses]
    assert 0.85 < sum(met) / len(met) < 0.95


def test_capacity_varies_around_its_median_and_hot_courses_are_scarce() -> None:
    """The median is the dataset's, seats differ from course to course, and the hottest courses have about half of it."""
    courses = generate(Dataset(courses=2000, capacity=60), 1).courses
    capacities = [course.capacity for course in courses]
    assert 57 <= statistics.median(capacities) <= 61
    assert len(set(capacities)) > 50
    assert 25 <= statistics.median(capacities[:100]) <= 35


def test_popularity_is_independent_of_the_chain() -> None:
    """Courses without prerequisites are spread over all ranks, not gathered at one end."""
    courses = generate(Dataset(courses=2000), 1).courses
    halves = [sum(not course.prerequisites for course in half) for half in (courses[:1000], courses[1000:])]
    assert abs(halves[0] - halves[1]) < 80


def test_codes_look_like_codes() -> None:
    """A code is a subject, a level and a number, as in CS101."""
    assert all(re.fullmatch(r"[A-Z]{2,5}\d{3,}", course.code) for course in generate(Dataset(), 1).courses)


def test_it_is_the_same_everywhere() -> None:
    """The default population of seed 1 is what it was on the machine that this digest was taken on."""
    population = generate(Dataset(), 1)
    assert hashlib.sha256(repr(population).encode()).hexdigest()[:16] == "de6c7233169e4fdc"
    assert generate(Dataset(), 2) != population

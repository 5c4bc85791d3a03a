"""The courses and students that an experiment needs before its load: realistic, and the same for the same seed.

Courses belong to departments. Each department has a core chain (CS101, CS201, CS301, ...) in which every course needs the one
before it, and electives that need the core course of the level below or nothing. Students have come some way along each chain.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from experiments.definition import Dataset
from experiments.randomness import generator

SUBJECTS: Final = ("CS", "MATH", "PHYS", "BIO", "CHEM", "ECON", "HIST", "PSYCH", "STAT", "ENGL", "PHIL", "ART")
COURSES_PER_DEPARTMENT: Final = 20
"""A department for each so many courses, as far as there are subjects."""
LONGEST_TRANSCRIPT: Final = 100
"""Bounds the departments too: a student may have passed the whole core of each of them."""
TOPICS: Final = ("Systems", "Theory", "Methods", "Analysis", "Design", "Structures", "Models", "History", "Practice", "Applications")
APPROACHES: Final = ("Introduction to", "Foundations of", "Intermediate", "Advanced", "Topics in", "Seminar on")
FIRST_NAMES: Final = (
    *("Ada", "Alan", "Amara", "Aylin", "Barbara", "Chen", "Dana", "Diego", "Edsger", "Elena", "Farid", "Grace", "Hana", "Ivan", "Jin"),
    *("John", "Kofi", "Leila", "Linus", "Margaret", "Mei", "Niklaus", "Noor", "Olga", "Priya", "Radia", "Sofia", "Tariq", "Uma", "Yusuf"),
)
LAST_NAMES: Final = (
    *("Abebe", "Andersen", "Bauer", "Chaudhry", "Costa", "Diaz", "Doe", "Eriksson", "Fischer", "Garcia", "Haddad", "Hopper", "Ivanova"),
    *("Jones", "Kim", "Lamport", "Liu", "Mensah", "Moreau", "Nakamura", "Novak", "Okafor", "Patel", "Quinn", "Rossi", "Sato", "Turing"),
    *("Usman", "Vega", "Walker", "Yilmaz", "Zhang"),
)

ELECTIVE_NEEDS_CORE: Final = 0.7
"""Share of electives above the first level that need the core course of the level below."""
FULL_CORE: Final = 0.75
"""Share of chains that a student has finished; with the rest anywhere below, about 9 in 10 prerequisites are met."""
CAPACITY_SIGMA: Final = 0.35
"""Spread of seats around the median, of the logarithm: seminars of half, lectures of twice the median size."""
MOST_CAPACITY: Final = 1_000_000
"""Bound of Dataset.capacity, kept by the largest course too."""
HOT_SHARE: Final = 0.05
"""Share of courses, the most popular ones, that are scarce."""
HOT_CAPACITY: Final = 0.5
"""Seats of a scarce course relative to another of its size: everybody wants in, and many can't."""


@dataclass(frozen=True)
class Course:
    """A course as it is to be created."""

    code: str
    name: str
    capacity: int
    prerequisites: tuple[str, ...]


@dataclass(frozen=True)
class Student:
    """A student as they are to be created."""

    name: str
    completed_courses: tuple[str, ...]


@dataclass(frozen=True)
class Population:
    """All courses and students, the most popular first."""

    courses: tuple[Course, ...]
    students: tuple[Student, ...]


@dataclass(frozen=True)
class _Department:
    core: tuple[str, ...]
    electives: tuple[str, ...]


def generate(dataset: Dataset, seed: int) -> Population:
    """The population of ``dataset``: its order is popularity rank, which is independent of department and prerequisites."""
    departments = _departments(dataset)
    return Population(
        courses=_courses(dataset, departments, generator(seed, "courses")),
        students=_students(dataset, departments, generator(seed, "students")),
    )


def _departments(dataset: Dataset) -> tuple[_Department, ...]:
    most = min(len(SUBJECTS), LONGEST_TRANSCRIPT // dataset.chain_length)
    count = min(most, max(1, dataset.courses // COURSES_PER_DEPARTMENT))
    sizes = [dataset.courses // count + (position < dataset.courses % count) for position in range(count)]
    return tuple(_department(subject, size, dataset.chain_length) for subject, size in zip(SUBJECTS, sizes, strict=False))


def _department(subject: str, size: int, chain_length: int) -> _Department:
    levels = min(chain_length, size)
    # The number within a level gets as many digits as the level has courses, so that every code is unique.
    digits = max(2, len(str(-(-size // levels))))
    codes = [f"{subject}{position % levels + 1}{position // levels + 1:0{digits}d}" for position in range(size)]
    return _Department(core=tuple(codes[:levels]), electives=tuple(codes[levels:]))


def _courses(dataset: Dataset, departments: tuple[_Department, ...], rng: np.random.Generator) -> tuple[Course, ...]:
    prerequisites: dict[str, tuple[str, ...]] = {}
    for department in departments:
        prerequisites[department.core[0]] = ()
        prerequisites.update({code: (before,) for before, code in pairwise(department.core)})
        needs = rng.random(len(department.electives)) < ELECTIVE_NEEDS_CORE
        for position, (code, needed) in enumerate(zip(department.electives, needs.tolist(), strict=True)):
            level = position % len(department.core)
            prerequisites[code] = (department.core[level - 1],) if needed and level else ()
    codes = list(prerequisites)
    ranked = [codes[position] for position in rng.permutation(len(codes)).tolist()]
    names = _course_names(len(codes), rng)
    capacities = _capacities(dataset, rng)
    return tuple(
        Course(code=code, name=name, capacity=capacity, prerequisites=prerequisites[code])
        for code, name, capacity in zip(ranked, names, capacities, strict=True)
    )


def _course_names(count: int, rng: np.random.Generator) -> list[str]:
    approaches = rng.integers(0, len(APPROACHES), count).tolist()
    topics = rng.integers(0, len(TOPICS), count).tolist()
    return [f"{APPROACHES[approach]} {TOPICS[topic]}" for approach, topic in zip(approaches, topics, strict=True)]


def _capacities(dataset: Dataset, rng: np.random.Generator) -> list[int]:
    """Seats by popularity rank: log-normal around the median, fewer for the hottest."""
    seats = dataset.capacity * np.exp(rng.normal(0.0, CAPACITY_SIGMA, dataset.courses))
    seats[: round(dataset.courses * HOT_SHARE)] *= HOT_CAPACITY
    lowest = min(1, dataset.capacity)
    return [int(value) for value in np.clip(np.rint(seats), lowest, MOST_CAPACITY)]


def _students(dataset: Dataset, departments: tuple[_Department, ...], rng: np.random.Generator) -> tuple[Student, ...]:
    count = dataset.students
    first = rng.integers(0, len(FIRST_NAMES), count).tolist()
    last = rng.integers(0, len(LAST_NAMES), count).tolist()
    # Nobody needs the last course of a chain as a prerequisite, so transcripts end before it.
    chains = [department.core[:-1] for department in departments]
    reached = np.empty((count, len(chains)), dtype=np.int64)
    for column, chain in enumerate(chains):
        finished = rng.random(count) < FULL_CORE
        reached[:, column] = np.where(finished, len(chain), rng.integers(0, max(1, len(chain)), count))
    return tuple(
        Student(
            name=f"{FIRST_NAMES[first_name]} {LAST_NAMES[last_name]}",
            completed_courses=tuple(code for chain, length in zip(chains, row, strict=True) for code in chain[:length]),
        )
        for first_name, last_name, row in zip(first, last, reached.tolist(), strict=True)
    )

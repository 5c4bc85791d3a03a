"""Who asks for which course and how they go about it, drawn from a seed; pure."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

STUDENTS = 2_000
SEATS = 50
NEEDED = "MATH101"
"""What some courses want of a student; a part of the students lack it, and some of these complete it on the day."""
NEVER_TAUGHT = "ASTRO999"
LACKING_SHARE = 0.3
WISHES_OF_STUDENT = (1, 2, 2, 3)


class Manner(Enum):
    """How a student sends a request."""

    ONCE = auto()
    WITH_KEY = auto()
    TWICE_AT_ONCE = auto()
    """Two deliveries with one key."""
    AGAIN_LATER = auto()
    """Once more with its key when all else is done."""
    OTHER_BODY = auto()
    """The key once more, for another course."""
    TWO_BODIES_AT_ONCE = auto()
    """One key for two courses at the same time: one of them gets it."""
    REPEATED = auto()
    """Once more without a key, which is a conflict while the first one is active."""


class Then(Enum):
    """What a student does next."""

    KEEP = auto()
    DROP_AT_ONCE = auto()
    DROP = auto()
    DROP_AND_ASK_AGAIN = auto()
    LEARN_AND_ASK_AGAIN = auto()
    """One who lacks a prerequisite completes it and asks again."""


@dataclass(frozen=True)
class Wish:
    """One course that a student asks for."""

    course: int
    other_course: int
    manner: Manner
    then: Then


@dataclass(frozen=True)
class Student:
    """What a student has completed and wants."""

    completed_courses: Sequence[str]
    wishes: Sequence[Wish]


@dataclass(frozen=True)
class Plan:
    """The day; courses are meant by their positions."""

    courses: Sequence[dict[str, Any]]
    students: Sequence[Student]


COURSES: Sequence[dict[str, Any]] = (
    *({"capacity": SEATS, "prerequisites": []} for _ in range(4)),
    *({"capacity": SEATS, "prerequisites": [NEEDED]} for _ in range(3)),
    {"capacity": SEATS, "prerequisites": [NEVER_TAUGHT]},
)
STEADY = (0, 4)
"""Nobody changes these."""
RESIZED = (1, 2, 5)
"""Their capacity goes up and down."""
REWRITTEN = 6
"""Its prerequisite comes and goes."""
IN_USE = 3
"""Somebody tries to delete it while students are enrolled in it."""
DELETED = 7
"""Nobody has what it wants, so it can be deleted at any time."""


def draw(seed: int, students: int = STUDENTS) -> Plan:
    """The day that belongs to the seed."""
    rng = random.Random(seed)  # noqa: S311 - a schedule, no secret
    return Plan(COURSES, [_student(rng) for _ in range(students)])


def _student(rng: random.Random) -> Student:
    courses = rng.sample(range(len(COURSES)), rng.choice(WISHES_OF_STUDENT) + 1)
    completed = ["ART100"] if rng.random() < LACKING_SHARE else ["ART100", NEEDED]
    return Student(completed, [_wish(rng, course, courses[-1]) for course in courses[:-1]])


def _wish(rng: random.Random, course: int, other_course: int) -> Wish:
    manner = rng.choice(list(Manner))
    [then] = rng.choices(list(Then), weights=(6, 1, 1, 1, 1))
    return Wish(course, other_course, manner, then)

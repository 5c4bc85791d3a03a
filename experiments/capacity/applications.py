"""Who asks for a seat of which course, in which order. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def pairs(course_ids: Sequence[int], student_ids: Sequence[int], *, applicants: int, at_once: int) -> Iterator[tuple[int, int]]:
    """Student and course of each request, no pair twice.

    Some courses at a time get an applicant each in turn until they had ``applicants``; when all courses had theirs, the next students
    follow in the same order. How many are enrolled of how many decisions is so nearly the same for a fast and a slow system.
    """
    for first in range(0, len(student_ids) - applicants + 1, applicants):
        for start in range(0, len(course_ids), at_once):
            for student_id in student_ids[first : first + applicants]:
                for course_id in course_ids[start : start + at_once]:
                    yield student_id, course_id

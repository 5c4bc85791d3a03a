"""Taking and giving up seats, each request with one answer for ever."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from sqlmodel import Session

from app.courses import repository
from app.courses.schemas import ReleaseRequest, ReservationRead, ReservationRequest
from app.courses.seats import SeatAnswer, SeatOutcome, SeatRequest, decide
from app.kit.database import Database


class ReservationsService:
    """The use cases of seats; each batch is one transaction, and all that concerns a course waits for its row."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def reserve(self, batch: Sequence[ReservationRequest]) -> list[ReservationRead]:
        """The answers to the requests, in their order; a request that was answered before gets that answer."""
        requests = {
            item.reservation_id: SeatRequest(
                item.reservation_id,
                item.course_id,
                item.student_id,
                item.student_version,
                None if item.completed_courses is None else frozenset(item.completed_courses),
            )
            for item in batch
        }

        def work(session: Session) -> dict[UUID, SeatAnswer]:
            courses = repository.lock(session, (request.course_id for request in requests.values()))
            known = repository.recorded(session, requests)
            new = decide([request for key, request in requests.items() if key not in known], courses)
            if new:
                taken = {course.course_id: course.newly_taken for course in courses.values() if course.newly_taken}
                if repository.record(session, new, taken) != taken.keys():
                    raise AssertionError(f"the seats of one of the courses {sorted(taken)} changed under its lock")
            return {**known, **{answer.reservation_id: answer for answer in new}}

        answers = self._database.write_idempotent(work)
        return [ReservationRead(reservation_id=key, outcome=answers[key].outcome, evidence=answers[key].evidence) for key in requests]

    def release(self, batch: Sequence[ReleaseRequest]) -> int:
        """Give up the seats; gives the number of those that were taken.

        Where no reservation has been made yet, the release stays as a tombstone, and a late reservation gets no seat.
        """
        releases = {item.reservation_id: item.course_id for item in batch}

        def work(session: Session) -> int:
            repository.lock(session, releases.values())
            known = repository.recorded(session, releases)
            accepted = [answer for answer in known.values() if answer.outcome is SeatOutcome.ACCEPTED]
            if accepted:
                repository.give_up(session, [answer.reservation_id for answer in accepted])
            for course_id, count in sorted(Counter(answer.course_id for answer in accepted).items()):
                repository.free_seats(session, course_id, count)
            unseen = [SeatAnswer(key, course_id, SeatOutcome.RELEASED) for key, course_id in releases.items() if key not in known]
            if unseen:
                repository.record(session, unseen, {})
            return len(accepted)

        return self._database.write_idempotent(work)

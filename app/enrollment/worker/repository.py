"""The SQL of the worker: of the requests that it decides and of their outcomes; each a statement that may be repeated."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import text

from app.enrollment.decisions import Decision
from app.kit.database import Database, Query


@dataclass(frozen=True, slots=True)
class Request:
    """What the worker needs to know of a request."""

    enrollment_id: UUID
    student_id: int
    course_id: int
    pending: bool


_REQUESTS = Query(text("SELECT id, student_id, course_id, status = 'pending' FROM enrollments WHERE id = ANY(CAST(:ids AS uuid[]))"))


def requests(database: Database, enrollment_ids: Iterable[UUID]) -> dict[UUID, Request]:
    """Those of the requests that exist."""
    return {row[0]: Request(*row) for row in database.fetch(_REQUESTS, ids=list(enrollment_ids))}


_SEATS_DUE = Query(
    text(
        """
        SELECT id, course_id FROM enrollments
        WHERE seat_release = 'due' AND (id = ANY(CAST(:ids AS uuid[])) OR course_id = ANY(CAST(:course_ids AS int[])))
        """
    )
)


def seats_due(database: Database, enrollment_ids: Iterable[UUID], course_ids: Iterable[int]) -> list[tuple[UUID, int]]:
    """Enrolment and course of the seats that are to be given up: those asked for, and all of these courses."""
    return [(row[0], row[1]) for row in database.fetch(_SEATS_DUE, ids=list(enrollment_ids), course_ids=list(course_ids))]


_STORE = Query(
    text(
        """
        WITH decided AS (
            SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS (id uuid, status text, reason text, decision jsonb)
        ), fresh AS (
            INSERT INTO inbox (enrollment_id) SELECT id FROM unnest(CAST(:handled AS uuid[])) AS handled (id) ORDER BY id
            ON CONFLICT DO NOTHING
            RETURNING enrollment_id
        ), current AS MATERIALIZED (
            -- by their ids alone: asked for the status too, the planner goes through all that is pending, for while a queue grows
            -- its statistics know of little that is
            SELECT id, status FROM enrollments WHERE id = ANY(CAST(:handled AS uuid[])) ORDER BY id FOR UPDATE
        ), stored AS (
            UPDATE enrollments
            SET status = decided.status, reason = decided.reason, decision = decided.decision, decided_at = now(),
                -- such a request may hold a seat: it was given up before the answer about it was stored
                seat_release = CASE WHEN decided.reason = 'processing_failed' THEN 'due' END
            FROM decided JOIN fresh ON fresh.enrollment_id = decided.id JOIN current ON current.id = decided.id
            WHERE enrollments.id = decided.id AND current.status = 'pending'
            RETURNING enrollments.id, enrollments.reason, enrollments.requested_at
        ), releases AS (
            INSERT INTO outbox (enrollment_id, kind, times_sent) SELECT id, 'release', 0 FROM stored WHERE reason = 'processing_failed'
        ), forgotten AS (
            DELETE FROM outbox
            WHERE id IN (
                SELECT id FROM outbox WHERE enrollment_id = ANY(CAST(:handled AS uuid[])) AND kind = 'decide' ORDER BY id FOR UPDATE
            )
        )
        SELECT id, CAST(EXTRACT(epoch FROM now() - requested_at) AS float) FROM stored
        """
    )
)


def store(database: Database, decisions: Sequence[Decision], handled: Collection[UUID]) -> dict[UUID, float]:
    """Store the outcomes with their inbox rows; gives those that had an effect, with the time since they were requested, s.

    ``handled`` are all requests whose messages are settled by this, decided now or before. No effect has a decision about a request
    that was handled before or is not pending any more.
    """
    rows = [{"id": item.enrollment_id, "status": item.status, "reason": item.reason, "decision": item.evidence} for item in decisions]
    return {row[0]: row[1] for row in database.fetch(_STORE, rows=to_json(rows).decode(), handled=list(handled))}

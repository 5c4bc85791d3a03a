"""What an answer means: whether its operation took effect, and what it tells of the business state; pure."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, Final, Literal

import gevent

from experiments.definition import WRITES, Operation
from experiments.records.schema import Outcome

FORESEEN: Final = {
    operation: frozenset({HTTPStatus.CONFLICT}) for operation in (Operation.ENROLL, Operation.DROP, Operation.UPDATE_CAPACITY)
} | {Operation.REUSE_KEY: frozenset({HTTPStatus.UNPROCESSABLE_ENTITY})}
"""Answers beyond 2xx that the contract foresees for a correct request: 409, for somebody is enrolled already, was rejected, or more seats
are taken than the new capacity has; 422 for a key that belongs to another body."""
EVIDENCE: Final = ("course_version", "student_version", "capacity", "taken")
"""What is kept of a decision that a client sees; its lists are long, and the final read has them."""

Ending = Literal["ok", "fail", "unknown"]


def answer_outcome(operation: Operation, status: int, foreseen: frozenset[int] = frozenset()) -> str:
    """OK for what the contract foresees: 2xx, FORESEEN for the operation, and what is foreseen for this very request."""
    is_ok = _is_success(status) or status in FORESEEN.get(operation, ()) or status in foreseen
    return (Outcome.OK if is_ok else Outcome.HTTP_ERROR).value


def failure_outcome(error: BaseException) -> str:
    """TIMEOUT where there was no answer in time, else CONNECTION_ERROR."""
    # The HTTP library wraps the timeout that ended its waiting.
    cause = getattr(error, "original", error)
    return (Outcome.TIMEOUT if isinstance(cause, (gevent.Timeout, TimeoutError)) else Outcome.CONNECTION_ERROR).value


def ending(operation: Operation, status: int | None, facts: dict[str, Any]) -> Ending:
    """How an operation ended; a write without an answer, or with one that only says that something broke, may have taken effect."""
    if status is not None and _is_success(status):
        accepted_nothing = operation is Operation.ENROLL and "enrollment" not in facts
        return "unknown" if accepted_nothing else "ok"
    if "state" in facts:  # that there is no such enrolment is an answer to who asks for its state
        return "ok"
    is_refused = status is not None and HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    return "fail" if is_refused or operation not in WRITES else "unknown"


def told(operation: Operation, status: int, content: bytes, *, is_known: bool) -> dict[str, Any]:
    """The fields of a history's completion that the body tells; nothing where the body breaks its contract.

    ``is_known``: the enrolment asked for is one that was accepted.
    """
    if status == HTTPStatus.NOT_FOUND and operation is Operation.READ_ENROLLMENT and is_known:
        return {"state": "missing"}
    if not _is_success(status):
        return {}
    try:
        facts = _told(operation, json.loads(content))
    except (ValueError, KeyError, TypeError):
        return {}
    return {name: value for name, value in facts.items() if value is not None}


def _told(operation: Operation, body: Any) -> dict[str, Any]:
    match operation:
        case Operation.ENROLL | Operation.REUSE_KEY:
            return {"enrollment": str(body["id"])}
        case Operation.READ_ENROLLMENT | Operation.DROP:
            decision = body.get("decision") or {}
            seen = {name: decision[name] for name in EVIDENCE if name in decision}
            return {"state": body["status"], "reason": body.get("reason"), "decision": seen or None}
        case Operation.LIST_COURSES:
            return {"versions": [(course["id"], course["version"]) for course in body]}
        case Operation.READ_SEATS:
            return {name: body[name] for name in ("capacity", "taken", "free")}
        case Operation.READ_STUDENT | Operation.UPDATE_STUDENT:
            return {"version": body.get("version")}
        case Operation.READ_COURSE | Operation.UPDATE_CAPACITY:
            return {"version": body.get("version"), "capacity": body.get("capacity")}


def _is_success(status: int) -> bool:
    return status // 100 == HTTPStatus.OK // 100

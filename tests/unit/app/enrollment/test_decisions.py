"""From an answer about a seat to an outcome."""

from __future__ import annotations

from uuid import uuid4

import pytest

from app.courses.seats import SeatOutcome
from app.enrollment.decisions import Reason, Seat, Status, decide, failed


@pytest.mark.parametrize("outcome", list(SeatOutcome))
def test_every_answer_of_the_courses_service_has_an_outcome(outcome: SeatOutcome) -> None:
    """Accepted enrols, a refusal is its own reason, and a seat given up before fails; the evidence is kept."""
    evidence = {"taken": 1}
    decision = decide(uuid4(), Seat(outcome.value, evidence))
    if outcome is SeatOutcome.ACCEPTED:
        assert (decision.status, decision.reason, decision.evidence) == (Status.ENROLLED, None, evidence)
    elif outcome is SeatOutcome.RELEASED:
        assert (decision.status, decision.reason) == (Status.REJECTED, Reason.PROCESSING_FAILED)
    else:
        assert (decision.status, decision.reason, decision.evidence) == (Status.REJECTED, Reason(outcome.value), evidence)


def test_what_could_not_be_decided_is_rejected() -> None:
    """Even a message that was given up has an outcome."""
    decision = failed(uuid4())
    assert (decision.status, decision.reason) == (Status.REJECTED, Reason.PROCESSING_FAILED)

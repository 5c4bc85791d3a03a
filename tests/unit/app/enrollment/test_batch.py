"""What a batch of messages asks for."""

from __future__ import annotations

from uuid import uuid4

from app.enrollment.messages import Kind, Message
from app.enrollment.worker.batch import Batch


def test_a_message_that_comes_twice_asks_once() -> None:
    """Duplicates within a batch collapse."""
    enrollment_id = uuid4()
    message = Message(kind=Kind.DECIDE, enrollment_id=enrollment_id)
    assert Batch.of([(message, False), (message, False)]) == Batch(decide=frozenset({enrollment_id}))


def test_a_dead_letter_fails_its_request_and_never_loses_a_seat() -> None:
    """A dead decision fails the request; a dead release is carried out all the same."""
    decided, released = uuid4(), uuid4()
    batch = Batch.of([(Message(kind=Kind.DECIDE, enrollment_id=decided), True), (Message(kind=Kind.RELEASE, enrollment_id=released), True)])
    assert batch == Batch(release=frozenset({released}), fail=frozenset({decided}))

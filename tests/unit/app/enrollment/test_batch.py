"""What a batch of messages asks for."""

from __future__ import annotations

from uuid import uuid4

from app.enrollment.messages import Kind, Message
from app.enrollment.worker.batch import Batch


def test_a_message_that_comes_twice_asks_once() -> None:
    """Duplicates within a batch collapse."""
    enrollment_id = uuid4()
    message = Message(kind=Kind.DECIDE, enrollment_id=enrollment_id)
    assert Batch.of([(message, False, None), (message, False, None)]) == Batch(decide=frozenset({enrollment_id}))


def test_a_dead_letter_fails_its_request_and_never_loses_a_seat() -> None:
    """A dead decision fails the request; a dead release is carried out all the same."""
    decided, released = uuid4(), uuid4()
    dead = [Message(kind=Kind.DECIDE, enrollment_id=decided), Message(kind=Kind.RELEASE, enrollment_id=released)]
    batch = Batch.of([(message, True, None) for message in dead])
    assert batch == Batch(release=frozenset({released}), fail=frozenset({decided}))


def test_a_decision_knows_the_http_request_that_asked_for_it() -> None:
    """The id beside a message to decide is kept; the one of a drop is not that of the decision."""
    asked, dropped = uuid4(), uuid4()
    batch = Batch.of(
        [
            (Message(kind=Kind.DECIDE, enrollment_id=asked), False, "of-the-request"),
            (Message(kind=Kind.DECIDE, enrollment_id=dropped), False, None),
            (Message(kind=Kind.RELEASE, enrollment_id=dropped), False, "of-the-drop"),
        ]
    )
    assert batch.request_ids == {asked: "of-the-request"}

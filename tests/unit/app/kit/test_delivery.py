"""Keys of deliveries."""

from __future__ import annotations

from app.kit.delivery import delivery_key
from app.students.schemas import StudentBody


def test_the_same_request_has_the_same_key() -> None:
    """Two deliveries share the key; another body or another request id does not."""
    first = delivery_key("id-1", StudentBody(name="Ada"))
    assert first == delivery_key("id-1", StudentBody(name="Ada"))
    assert len({first, delivery_key("id-1", StudentBody(name="Bob")), delivery_key("id-2", StudentBody(name="Ada"))}) == 3


def test_without_a_request_id_there_is_no_key() -> None:
    """Nothing can tell a second delivery then, and nothing pretends to."""
    assert delivery_key(None, StudentBody(name="Ada")) is None

"""Confirms and acknowledgements, by their delivery tags."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.kit.tags import Confirms, Unsettled


def _published(count: int) -> Confirms[int]:
    """That many messages, each known by its tag."""
    confirms: Confirms[int] = Confirms()
    for tag in range(1, count + 1):
        confirms.published(tag, now_s=float(tag))
    return confirms


def test_a_confirm_is_about_one_message() -> None:
    """The others stay outstanding, in their order."""
    confirms = _published(3)
    confirms.confirmed(2, multiple=False)
    assert (confirms.take_confirmed(), confirms.outstanding) == ([2], [1, 3])


def test_a_confirm_of_multiple_is_about_all_up_to_its_tag() -> None:
    """Those that were confirmed before are not confirmed again."""
    confirms = _published(4)
    confirms.confirmed(2, multiple=False)
    confirms.confirmed(3, multiple=True)
    assert (confirms.take_confirmed(), confirms.outstanding) == ([2, 1, 3], [4])


def test_a_confirm_of_multiple_without_a_tag_is_about_all() -> None:
    """AMQP 0-9-1: a tag of zero with multiple means everything so far."""
    confirms = _published(3)
    confirms.confirmed(0, multiple=True)
    assert confirms.outstanding == []


def test_the_age_is_that_of_the_oldest_outstanding_message() -> None:
    """It is what tells a broker that has stopped to confirm."""
    confirms = _published(2)
    assert confirms.oldest_s == 1.0
    confirms.confirmed(1, multiple=False)
    assert confirms.oldest_s == 2.0
    confirms.confirmed(2, multiple=False)
    assert confirms.oldest_s is None


@given(st.lists(st.tuples(st.integers(0, 12), st.booleans())), st.integers(0, 10))
def test_every_message_is_confirmed_once_or_outstanding(frames: list[tuple[int, bool]], count: int) -> None:
    """Whatever confirms come, also unknown ones and ones that come twice: none is lost and none is reported twice."""
    confirms = _published(count)
    for tag, multiple in frames:
        confirms.confirmed(tag, multiple=multiple)
    unsettled = confirms.unsettled_count
    confirmed = confirms.take_confirmed()
    assert unsettled == count
    assert sorted(confirmed + confirms.outstanding) == list(range(1, count + 1))


def test_an_acknowledgement_reaches_as_far_as_everything_is_handled() -> None:
    """A batch that is done before the one that came first waits for it; then one acknowledgement is for both."""
    unsettled = Unsettled()
    for tag in range(1, 6):
        unsettled.delivered(tag)
    assert unsettled.handled([3, 4]) is None
    assert unsettled.handled([1, 2]) == 4
    assert unsettled.handled([5]) == 5


def test_a_rejected_message_is_never_acknowledged() -> None:
    """The broker knows its tag no more, so the acknowledgement names the last one that was handled."""
    unsettled = Unsettled()
    for tag in (1, 2, 3):
        unsettled.delivered(tag)
    assert unsettled.handled([1]) == 1
    assert unsettled.rejected(3) is None
    assert unsettled.handled([2]) == 2


def test_a_rejection_lets_what_waited_for_it_be_acknowledged() -> None:
    """What came after a message that is rejected waits for it no more."""
    unsettled = Unsettled()
    unsettled.delivered(1)
    unsettled.delivered(2)
    assert unsettled.handled([2]) is None
    assert unsettled.rejected(1) == 2


@given(st.permutations(range(1, 9)), st.sets(st.integers(1, 8)))
def test_everything_handled_is_acknowledged_in_the_end(order: list[int], rejected: set[int]) -> None:
    """In whatever order messages are settled, each acknowledgement names a handled one, and the last covers all of them."""
    unsettled = Unsettled()
    for tag in range(1, 9):
        unsettled.delivered(tag)
    reached = [unsettled.rejected(tag) if tag in rejected else unsettled.handled([tag]) for tag in order]
    acknowledged = [tag for tag in reached if tag is not None]
    assert acknowledged == sorted(acknowledged)
    assert not rejected & set(acknowledged)
    assert max(acknowledged, default=0) == max(set(order) - rejected, default=0)

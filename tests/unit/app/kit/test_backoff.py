"""Waiting between attempts."""

from __future__ import annotations

from app.kit.backoff import Backoff


def test_waits_double_up_to_the_longest() -> None:
    """However many attempts there were, the wait stays within its limit."""
    backoff = Backoff(0.1, 1.0)
    assert [backoff.next_s() for _ in range(5)] == [0.1, 0.2, 0.4, 0.8, 1.0]
    assert {backoff.next_s() for _ in range(2000)} == {1.0}


def test_success_starts_anew() -> None:
    """The next failure is tried again soon."""
    backoff = Backoff(0.1, 1.0)
    backoff.next_s()
    backoff.next_s()
    backoff.reset()
    assert backoff.next_s() == 0.1

"""The circuit breaker, with a clock that the test moves."""

from __future__ import annotations

import pytest

from app.kit.breaker import CircuitBreaker, HalfOpenBreaker


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        """The time, s."""
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    """A clock at zero."""
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    """Opens at the third failure, is probed once a second and settles for two."""
    return CircuitBreaker(failures_to_open=3, probe_interval_s=1.0, settle_s=2.0, clock=clock)


def test_only_failures_in_a_row_open_it(breaker: CircuitBreaker) -> None:
    """A success between failures keeps it closed; the third in a row opens it."""
    for _ in range(5):
        breaker.failed()
        breaker.failed()
        breaker.succeeded()
    assert breaker.closed
    for _ in range(3):
        breaker.failed()
    assert not breaker.closed


def test_a_probe_is_due_an_interval_after_opening_and_after_each_probe(breaker: CircuitBreaker, clock: Clock) -> None:
    """While it is open it is probed once an interval, however often anybody asks or fails."""
    assert not breaker.probe_due()
    for _ in range(3):
        breaker.failed()
    clock.now_s = 0.9
    breaker.failed()
    assert not breaker.probe_due()
    clock.now_s = 1.0
    assert breaker.probe_due()
    breaker.begin_probe()
    assert not breaker.probe_due()
    clock.now_s = 2.0
    assert breaker.probe_due()


def test_it_closes_after_settling_and_forgets_the_failures(breaker: CircuitBreaker, clock: Clock) -> None:
    """One successful probe is not enough; after recovery it takes as many failures as before to open it."""
    for _ in range(3):
        breaker.failed()
    breaker.recovered(breaker.begin_probe())
    clock.now_s = 1.9
    breaker.recovered(breaker.begin_probe())
    assert not breaker.closed
    clock.now_s = 2.0
    breaker.recovered(breaker.begin_probe())
    assert breaker.closed
    breaker.failed()
    breaker.failed()
    assert breaker.closed


def test_a_missed_probe_opens_it_and_makes_it_settle_anew(breaker: CircuitBreaker, clock: Clock) -> None:
    """Well means well all the time."""
    breaker.missed_probe()
    assert not breaker.closed
    breaker.recovered(breaker.begin_probe())
    clock.now_s = 1.5
    breaker.missed_probe()
    clock.now_s = 2.5
    breaker.recovered(breaker.begin_probe())
    assert not breaker.closed
    clock.now_s = 4.5
    breaker.recovered(breaker.begin_probe())
    assert breaker.closed


def test_a_lost_effect_opens_it_at_once_until_it_is_made_good(breaker: CircuitBreaker) -> None:
    """One lost invalidation is enough; from its recovery on effects are delivered, before reads go out."""
    breaker.lost()
    assert not breaker.delivers
    assert breaker.losses_outstanding
    breaker.recovered(breaker.begin_probe())
    assert breaker.delivers
    assert not breaker.closed
    assert not breaker.losses_outstanding


def test_what_is_lost_during_a_probe_is_not_made_good_by_it(breaker: CircuitBreaker, clock: Clock) -> None:
    """A probe makes good only what was lost before it began."""
    breaker.lost()
    begun = breaker.begin_probe()
    breaker.lost()
    clock.now_s = 10.0
    breaker.recovered(begun)
    assert not breaker.closed
    assert breaker.losses_outstanding


def test_what_another_has_made_good_leaves_it_open(breaker: CircuitBreaker) -> None:
    """Nothing is outstanding then, but whether the other side answers only a probe can tell; an older count changes nothing."""
    breaker.lost()
    older = breaker.begin_probe()
    breaker.lost()
    breaker.made_good(breaker.begin_probe())
    breaker.made_good(older)
    assert not breaker.losses_outstanding
    assert not breaker.delivers


def test_a_half_open_breaker_lets_one_attempt_through_each_interval(clock: Clock) -> None:
    """After a failure one attempt an interval is made; a success lets all through again."""
    breaker = HalfOpenBreaker(retry_interval_s=1.0, clock=clock)
    assert breaker.admits()
    breaker.failed()
    assert not breaker.closed
    assert not breaker.admits()
    clock.now_s = 1.0
    assert [breaker.admits() for _ in range(3)] == [True, False, False]
    breaker.failed()
    clock.now_s = 1.5
    assert not breaker.admits()
    clock.now_s = 2.0
    assert breaker.admits()
    breaker.succeeded()
    assert breaker.closed
    assert breaker.admits()

"""When requests leave, told by an act that notes what happens to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic

import gevent
from gevent.event import Event

from experiments.definition import Operation
from experiments.workloads.arrival import Arrival
from experiments.workloads.dispatcher import Dispatcher

PATIENCE_S = 20.0


def _arrivals(*intended_s: float) -> list[Arrival]:
    return [Arrival(row, at_s, "measure", Operation.READ_COURSE, 1, 1, 0, None) for row, at_s in enumerate(intended_s)]


@dataclass
class Requests:
    """Requests that are made at once and answered as soon as they leave, or never."""

    answers: bool = True
    made_s: dict[int, float] = field(default_factory=dict)
    left_s: dict[int, float] = field(default_factory=dict)

    def act(self, arrival: Arrival, departure: Event) -> None:
        """Note both moments."""
        self.made_s[arrival.row] = monotonic()
        departure.wait()
        self.left_s[arrival.row] = monotonic()
        if not self.answers:
            gevent.sleep(PATIENCE_S)


def test_a_request_is_made_before_it_leaves_and_leaves_no_earlier_than_due() -> None:
    """Alone, at the same time as another, close behind another, or overdue from the beginning: each leaves once, in its order."""
    requests, arrivals = Requests(), _arrivals(-1.0, 0.0, 0.05, 0.05, 0.0504, 0.053, 0.1)
    epoch_s = monotonic() + 0.02
    Dispatcher(requests.act, most_at_once=100).run(arrivals, epoch_s, PATIENCE_S)
    assert list(requests.left_s) == list(range(len(arrivals)))
    assert all(requests.left_s[arrival.row] >= epoch_s + arrival.intended_s for arrival in arrivals)
    assert all(requests.made_s[row] <= requests.left_s[row] for row in requests.left_s)


def test_what_would_be_too_many_at_once_is_left_out() -> None:
    """Waiting for an answer would close the loop."""
    requests = Requests(answers=False)
    dispatcher = Dispatcher(requests.act, most_at_once=2)
    dispatcher.run(_arrivals(0.0, 0.0, 0.01, 0.02), monotonic(), 0.2)
    dispatcher.stop()
    assert set(requests.left_s) == {0, 1}


def test_an_error_of_ours_ends_the_load() -> None:
    """It is kept for whoever ran it, and what comes after it is not sent."""

    def fail(arrival: Arrival, departure: Event) -> None:
        departure.wait()
        raise ValueError(arrival.row)

    dispatcher = Dispatcher(fail, most_at_once=10)
    dispatcher.run(_arrivals(0.0, 0.05, 0.1), monotonic(), PATIENCE_S)
    assert isinstance(dispatcher.failure, ValueError)
    assert dispatcher.failure.args == (0,)

"""WHEN it is sent: an open loop, in place of the runner whose users wait for their own answers before they ask again."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Final

import gevent
from gevent.event import Event
from gevent.pool import Group

from experiments.workloads.arrival import Arrival
from experiments.workloads.timer import Timer

PREPARATION_S: Final = 0.0015
"""How long before it is due an arrival's request is begun to be made, which takes 0.2 to 0.5 ms where the processor's caches are cold."""
UNDISTURBED_S: Final = 0.0007
"""Nothing is made in this time before a request leaves, which would leave late."""


@dataclass(frozen=True, slots=True)
class Departure:
    """A request that leaves when it is due, made before."""

    due_s: float
    """On the monotonic clock."""
    has_come: Event


class Dispatcher:
    """Lets each arrival's request leave at its intended time, whether or not earlier ones were answered.

    The request is made a little earlier, in a greenlet that then waits for its departure: making it takes longer than a fast answer may be
    late. An arrival that comes while ``most_at_once`` requests are unanswered is left out: waiting for one of them would close the loop.
    """

    def __init__(self, act: Callable[[Arrival, Event], None], *, most_at_once: int) -> None:
        """``act`` makes the request, lets it leave when the event is set, and waits for its answer."""
        self._act = act
        self._most_at_once = most_at_once
        self._unanswered = Group()
        self._made: deque[Departure] = deque()
        self.failure: Exception | None = None
        """The first error of ours in sending, which ends the load; whatever the system does wrong is an outcome, not an error."""

    def run(self, arrivals: Sequence[Arrival], epoch_s: float, patience_s: float) -> None:
        """Send all ``arrivals``, sorted by time, and give the last of them ``patience_s`` to be answered."""
        with Timer() as timer:
            for arrival in arrivals:
                due_s = epoch_s + arrival.intended_s
                self._depart(timer, before_s=due_s - PREPARATION_S + UNDISTURBED_S)
                _sleep_until(timer, due_s - PREPARATION_S)
                if self.failure is not None:
                    break
                if len(self._unanswered) < self._most_at_once:
                    departure = Departure(due_s, Event())
                    self._unanswered.spawn(self._perform, arrival, departure.has_come)
                    self._made.append(departure)
            self._depart(timer)
        self._unanswered.join(timeout=patience_s)

    def stop(self) -> None:
        """Give up on what is unanswered."""
        self._unanswered.kill()

    def _depart(self, timer: Timer, *, before_s: float = math.inf) -> None:
        """Let leave, each at its time, what is made and due before a moment."""
        while self._made and self._made[0].due_s <= before_s:
            departure = self._made.popleft()
            _sleep_until(timer, departure.due_s)
            departure.has_come.set()
            gevent.sleep(0)  # it leaves now, and before any that is due later, also where all of them are late

    def _perform(self, arrival: Arrival, departure: Event) -> None:
        try:
            self._act(arrival, departure)
        except Exception as error:  # noqa: BLE001 - whatever it is, run() ends with it
            self.failure = self.failure or error


def _sleep_until(timer: Timer, moment_s: float) -> None:
    if monotonic() < moment_s:
        timer.sleep_until(moment_s)

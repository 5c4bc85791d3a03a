"""WHEN it is sent: an open loop, in place of the runner whose users wait for their own answers before they ask again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic

from gevent.pool import Group

from experiments.workloads.arrival import Arrival
from experiments.workloads.timer import Timer


class Dispatcher:
    """Starts each arrival at its intended time, whether or not earlier ones were answered.

    An arrival that comes while ``most_at_once`` requests are unanswered is left out: waiting for one of them would close the loop.
    """

    def __init__(self, act: Callable[[Arrival], None], *, most_at_once: int) -> None:
        self._act = act
        self._most_at_once = most_at_once
        self._unanswered = Group()
        self.failure: Exception | None = None
        """The first error of ours in sending, which ends the load; whatever the system does wrong is an outcome, not an error."""

    def run(self, arrivals: Sequence[Arrival], epoch_s: float, patience_s: float) -> None:
        """Send all ``arrivals``, sorted by time, and give the last of them ``patience_s`` to be answered."""
        with Timer() as timer:
            for arrival in arrivals:
                due_s = epoch_s + arrival.intended_s
                if monotonic() < due_s:
                    timer.sleep_until(due_s)
                if self.failure is not None:
                    break
                if len(self._unanswered) < self._most_at_once:
                    self._unanswered.spawn(self._perform, arrival)
        self._unanswered.join(timeout=patience_s)

    def stop(self) -> None:
        """Give up on what is unanswered."""
        self._unanswered.kill()

    def _perform(self, arrival: Arrival) -> None:
        try:
            self._act(arrival)
        except Exception as error:  # noqa: BLE001 - whatever it is, run() ends with it
            self.failure = self.failure or error

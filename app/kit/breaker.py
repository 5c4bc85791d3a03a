"""Circuit breakers: one that also remembers effects which were lost while the other side was away, and a plain one."""

from __future__ import annotations

import threading
from collections.abc import Callable


class CircuitBreaker:
    """Closed: reads go out. Open: they don't, until probes have found the other side well for ``settle_s``.

    Requests never pay for a probe: whoever owns the breaker probes in the background, at most every ``probe_interval_s``. A lost
    effect (an invalidation that was not delivered) opens it at once; the first probe that succeeds makes it good. Every replica has a
    breaker of its own, so ``settle_s`` must be longer than the interval: what the others have lost is made good by then too.
    """

    def __init__(self, *, failures_to_open: int, probe_interval_s: float, settle_s: float, clock: Callable[[], float]) -> None:
        self._failures_to_open = failures_to_open
        self._probe_interval_s = probe_interval_s
        self._settle_s = settle_s
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._losses = 0
        self._losses_made_good = 0
        self._next_probe_s: float | None = None
        self._well_since_s: float | None = None

    @property
    def closed(self) -> bool:
        """Whether reads go out."""
        return self._next_probe_s is None

    @property
    def delivers(self) -> bool:
        """Whether effects go out: also while it is open, from the first successful probe on."""
        return self.closed or self._well_since_s is not None

    @property
    def losses_outstanding(self) -> bool:
        """Whether an effect was lost that no probe has made good."""
        return self._losses > self._losses_made_good

    def succeeded(self) -> None:
        """A call was answered: the failures before it don't count any more."""
        self._failures = 0

    def failed(self) -> None:
        """A call was not answered; enough of them in a row open the breaker."""
        with self._lock:
            self._failures += 1
            if self._failures >= self._failures_to_open:
                self._open()

    def lost(self) -> None:
        """An effect was not delivered: open at once."""
        with self._lock:
            self._losses += 1
            self._open()

    def missed_probe(self) -> None:
        """A probe, which is more patient than a call, was not answered: open at once, and begin to settle anew."""
        with self._lock:
            self._open()

    def probe_due(self) -> bool:
        """Whether it is open and time for a probe."""
        return self._next_probe_s is not None and self._clock() >= self._next_probe_s

    def begin_probe(self) -> int:
        """Start a probe; gives the count of losses that it is to make good, for :meth:`recovered`."""
        with self._lock:
            self._next_probe_s = self._clock() + self._probe_interval_s
            return self._losses

    def made_good(self, losses: int) -> None:
        """Somebody else has made good what was lost when :meth:`begin_probe` told that count; it stays open."""
        with self._lock:
            self._losses_made_good = max(self._losses_made_good, losses)

    def recovered(self, losses: int) -> None:
        """The probe succeeded and made good what was lost when it began; close if all is well for long enough."""
        self.made_good(losses)
        with self._lock:
            if self._losses > losses:
                return
            if self._well_since_s is None:
                self._well_since_s = self._clock()
            if self._clock() - self._well_since_s >= self._settle_s:
                self._failures = 0
                self._next_probe_s = None
                self._well_since_s = None

    def _open(self) -> None:
        self._well_since_s = None
        if self._next_probe_s is None:
            self._next_probe_s = self._clock() + self._probe_interval_s


class HalfOpenBreaker:
    """Open from a failure on; then one attempt each ``retry_interval_s`` is let through, until one succeeds.

    For calls whose own attempts are the only probes (M. Nygard, Release It!, "Circuit Breaker").
    """

    def __init__(self, *, retry_interval_s: float, clock: Callable[[], float]) -> None:
        self._retry_interval_s = retry_interval_s
        self._clock = clock
        self._lock = threading.Lock()
        self._next_attempt_s: float | None = None

    @property
    def closed(self) -> bool:
        """Whether every attempt is let through."""
        return self._next_attempt_s is None

    def admits(self) -> bool:
        """Whether this attempt may be made."""
        if self.closed:
            return True
        with self._lock:
            now_s = self._clock()
            if self._next_attempt_s is not None and now_s < self._next_attempt_s:
                return False
            self._next_attempt_s = now_s + self._retry_interval_s
            return True

    def succeeded(self) -> None:
        """The other side has answered."""
        self._next_attempt_s = None

    def failed(self) -> None:
        """The other side is away or silent."""
        with self._lock:
            self._next_attempt_s = self._clock() + self._retry_interval_s

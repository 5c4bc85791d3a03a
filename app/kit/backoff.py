"""How long to wait before the next of several attempts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Backoff:
    """Doubles with each attempt up to a limit, which is what a recovery of the other side is noticed after at the latest."""

    first_s: float
    longest_s: float
    attempts: int = 0

    def next_s(self) -> float:
        """The time to wait now."""
        time_s = min(self.first_s * 2.0 ** min(self.attempts, 30), self.longest_s)
        self.attempts += 1
        return time_s

    def reset(self) -> None:
        """An attempt has succeeded."""
        self.attempts = 0

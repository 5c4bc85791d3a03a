"""Tells what apt is doing from time to time, in a line that a person understands."""

import re
from collections.abc import Callable

INTERVAL_S = 5.0
"""Seconds between two lines about the same command."""
STEPS = (
    (re.compile(r"^Get:(?P<number>\d+) \S+ \S+ \S+ (?P<name>\S+) \S+ \S+ \["), "downloaded {number} packages, now {name}"),
    (re.compile(r"^(?:Get|Hit|Ign):\d+ "), "reading the package lists"),
    (re.compile(r"^Unpacking (?P<name>[^\s:]+)"), "unpacking {name}"),
    (re.compile(r"^Setting up (?P<name>[^\s:]+)"), "setting up {name}"),
)


class Progress:
    """Hears every line of a command's output and passes on a few."""

    def __init__(self, note: Callable[[str], None], clock: Callable[[], float]) -> None:
        """Speak through ``note``; ``clock`` gives seconds."""
        self._note = note
        self._clock = clock
        self._began = self._last = clock()

    @property
    def elapsed_s(self) -> float:
        """Seconds since it was made."""
        return self._clock() - self._began

    def say(self, sentence: str) -> None:
        """Pass this on at once."""
        self._last = self._clock()
        self._note(sentence)

    def hear(self, line: str) -> None:
        """Pass on what this line of output means, unless something was said a moment ago."""
        if self._clock() - self._last < INTERVAL_S:
            return
        for pattern, sentence in STEPS:
            if match := pattern.match(line):
                self.say(f"{sentence.format(**match.groupdict())} ({self.elapsed_s:.0f} s)")
                return

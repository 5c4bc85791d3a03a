"""Tells whoever started a command what it is waiting for, and lets them end it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Protocol


class Progress(Protocol):
    """Receives what happens, from several threads; a terminal shows it, a test may collect it."""

    def waiting(self, node: str, what: str) -> None:
        """``node`` is on its way; ``what`` is what has to happen yet."""
        ...

    def done(self, node: str, what: str, seconds: float) -> None:
        """``node`` is there (or gone), after so many seconds."""
        ...

    def note(self, text: str) -> None:
        """Something else worth a line."""
        ...


class Silence:
    """Progress that nobody watches."""

    def waiting(self, node: str, what: str) -> None:
        """Ignore it."""

    def done(self, node: str, what: str, seconds: float) -> None:
        """Ignore it."""

    def note(self, text: str) -> None:
        """Ignore it."""


@dataclass(frozen=True)
class Watch:
    """What long work is given: whom to tell, how long to wait, and whether to give up."""

    progress: Progress = field(default_factory=Silence)
    ready_timeout_s: float = 90.0
    cancelled: threading.Event = field(default_factory=threading.Event)

"""What a fault is to the schedule, and what a deployment lets a fault do to its nodes and links."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from infra.links.conditions import Conditions, LinkState
from infra.targets.control import NodeControl

__all__ = ["Disturbance", "LinkControl", "NodeControl"]


class Disturbance(Protocol):
    """A fault that can be carried out, proven, undone, and seen to be undone."""

    def inject(self) -> None:
        """Make it happen."""

    def proof(self) -> str:
        """What an independent look shows of it; raises FaultError if it shows nothing."""

    def heal(self) -> None:
        """Undo it, whether or not it took effect and whoever injected it; again is harmless."""

    def health(self) -> str:
        """What shows that its targets are well again; raises FaultError if they are not in time."""


class LinkControl(Protocol):
    """What a deployment lets a fault do to its links."""

    def set(self, link: str, conditions: Conditions) -> None:
        """Let the conditions hold on the link from now on."""

    def states(self) -> Sequence[LinkState]:
        """Every link as it is."""

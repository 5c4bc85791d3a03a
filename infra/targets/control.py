"""What any target lets be done to its single nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import psutil


class NodeControl(Protocol):
    """The nodes of one deployment."""

    def processes(self, node: str) -> Sequence[psutil.Process]:
        """The node's process tree as it is now, the first process first; empty where it has ended."""

    def unmet(self, node: str) -> str:
        """The first readiness check of the node that doesn't pass now, in words; empty where all pass."""

    def kill_node(self, node: str) -> None:
        """SIGKILL the node's whole process tree."""

    def stop_node(self, node: str) -> None:
        """Ask the node to end, and wait until it has ended in good order; not running is fine."""

    def launch_node(self, node: str) -> None:
        """Start the node if it doesn't run, and don't wait."""

    def start_node(self, node: str) -> None:
        """Start the node if it doesn't run; returns when its readiness checks pass."""

    def pause_node(self, node: str) -> None:
        """SIGSTOP the node's whole process tree, which has to be there."""

    def resume_node(self, node: str) -> None:
        """SIGCONT the node's whole process tree; not paused is fine."""

    def reload_node(self, node: str) -> None:
        """Have the node take over its configuration anew, without waiting for it."""

    def limit_file_size(self, node: str, limit_bytes: int | None) -> None:
        """Let no process of the node write to a file beyond ``limit_bytes``; None lifts the limit. Not running is fine."""

    def rabbitmqctl(self, node: str, *arguments: str) -> str:
        """What the broker's own command line answers."""

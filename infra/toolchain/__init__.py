"""Finds or installs the servers that the process target runs, says what it did, and explains what is missing."""

import time
from collections.abc import Callable

from infra.toolchain.doctor import Finding, examine
from infra.toolchain.finding import find
from infra.toolchain.installing import ensure
from infra.toolchain.machine import this_machine
from infra.toolchain.runner import run
from infra.toolchain.servers import Missing, ServerBinaries

__all__ = ["Finding", "Missing", "ServerBinaries", "doctor", "ensure_servers", "find_servers"]


def find_servers() -> ServerBinaries | Missing:
    """The servers of this machine, or what is missing; only looks."""
    return find(this_machine(), run)


def ensure_servers(note: Callable[[str], None]) -> ServerBinaries:
    """The servers of this machine, installed first where they are missing; ``note`` hears what is done and how long it took.

    Raises:
        InfraError: they can't be installed here; one sentence that names them and the command that gets them.
    """
    return ensure(this_machine(), run, note, time.monotonic)


def doctor() -> list[Finding]:
    """What there is to say about each server on this machine; only looks."""
    return examine(this_machine(), run)

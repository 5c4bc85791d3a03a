"""Finds or installs the programs that the lab runs, says what it did, and explains what is missing."""

import time
from collections.abc import Callable

from infra.errors import InfraError
from infra.toolchain.doctor import Finding, examine
from infra.toolchain.finding import together
from infra.toolchain.installing import ensure
from infra.toolchain.machine import this_machine
from infra.toolchain.programs import SERVERS, TOOLS, ServerBinaries, Tool
from infra.toolchain.runner import run

__all__ = ["Finding", "ServerBinaries", "Tool", "doctor", "ensure_servers", "ensure_tool"]


def ensure_servers(note: Callable[[str], None]) -> ServerBinaries:
    """The servers of this machine, installed first where they are missing; ``note`` hears what is done and how long it took.

    Raises:
        InfraError: they can't be installed here; one sentence that names them and the command that gets them.
    """
    return together(ensure(SERVERS, this_machine(), run, note, time.monotonic))


def ensure_tool(name: str, note: Callable[[str], None]) -> Tool:
    """The tool of that name, got in the same way.

    Raises:
        InfraError: it can't be installed here, or the lab knows no such tool.
    """
    if name not in TOOLS:
        raise InfraError(f"there is no tool {name!r}; the lab knows {', '.join(TOOLS)}")
    found = ensure((TOOLS[name],), this_machine(), run, note, time.monotonic)[TOOLS[name]]
    return Tool(name, found.version, found.paths[0], found.environment)


def doctor() -> list[Finding]:
    """What there is to say about each program on this machine; only looks."""
    return examine(this_machine(), run)

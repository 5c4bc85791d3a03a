"""Explains, server by server, what is there, what it is for, and how to get what is missing."""

from dataclasses import dataclass
from pathlib import Path

from infra.toolchain.apt import install_command
from infra.toolchain.finding import survey
from infra.toolchain.machine import Machine
from infra.toolchain.runner import Runner
from infra.toolchain.servers import Absent, Found


@dataclass(frozen=True)
class Finding:
    """What there is to say about one server."""

    name: str
    purpose: str
    found: bool
    version: str
    """Empty where it was not found."""
    path: Path | None
    remark: str
    """Where it comes from; where it was not found, why not."""
    remedy: str
    """The command that gets it; empty where it was found."""


def examine(machine: Machine, run: Runner) -> list[Finding]:
    """One Finding for each server, found or not."""
    return [_finding(result, machine) for result in survey(machine, run).values()]


def _finding(result: Found | Absent, machine: Machine) -> Finding:
    server = result.server
    if isinstance(result, Found):
        return Finding(
            server.name, server.purpose, found=True, version=result.version, path=result.paths[0], remark=result.origin, remedy=""
        )
    command = install_command([server])
    remedy = (
        (command if machine.is_root else f"sudo {command}")
        if machine.has_apt
        else f"install {server.wanted} with the system's package manager"
    )
    return Finding(server.name, server.purpose, found=False, version="", path=None, remark=result.reason, remedy=remedy)

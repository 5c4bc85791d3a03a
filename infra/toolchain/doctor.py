"""Explains, program by program, what is there, what it is for, and how to get what is missing."""

from dataclasses import dataclass
from pathlib import Path

from infra.toolchain.apt import install_command
from infra.toolchain.finding import survey
from infra.toolchain.machine import Machine
from infra.toolchain.programs import SERVERS, TOOLS, Absent, Found
from infra.toolchain.runner import Runner


@dataclass(frozen=True)
class Finding:
    """What there is to say about one program."""

    name: str
    purpose: str
    required: bool
    """Without it nothing can be brought up."""
    found: bool
    version: str
    """Empty where it was not found."""
    path: Path | None
    remark: str
    """Where it comes from; where it was not found, why not."""
    remedy: str
    """The command that gets it; empty where it was found."""


def examine(machine: Machine, run: Runner) -> list[Finding]:
    """One Finding for each program, found or not."""
    results = [*survey(SERVERS, machine, run).values(), *survey(TOOLS.values(), machine, run).values()]
    return [_finding(result, machine) for result in results]


def _finding(result: Found | Absent, machine: Machine) -> Finding:
    program, required = result.program, result.program in SERVERS
    if isinstance(result, Found):
        return Finding(
            program.name,
            program.purpose,
            required=required,
            found=True,
            version=result.version,
            path=result.paths[0],
            remark=result.origin,
            remedy="",
        )
    command = install_command([program])
    remedy = (
        (command if machine.is_root else f"sudo {command}")
        if machine.has_apt
        else f"install {program.wanted} with the system's package manager"
    )
    return Finding(
        program.name, program.purpose, required=required, found=False, version="", path=None, remark=result.reason, remedy=remedy
    )

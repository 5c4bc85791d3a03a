"""Explains, program by program, what is there, what it is for, and how to get what is missing."""

from dataclasses import dataclass
from pathlib import Path

from infra.toolchain import docker, pulumi
from infra.toolchain.apt import install_command
from infra.toolchain.finding import survey
from infra.toolchain.machine import Machine
from infra.toolchain.programs import SERVERS, TOOLS, Absent, Found, Tool
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


def examine(machine: Machine, run: Runner, *, pulumi_home: Path, daemon_version: str) -> list[Finding]:
    """One Finding for each program, found or not."""
    results = [*survey(SERVERS, machine, run).values(), *survey(TOOLS.values(), machine, run).values()]
    return [*(_finding(result, machine) for result in results), *_for_containers(machine, run, pulumi_home, daemon_version)]


def _for_containers(machine: Machine, run: Runner, pulumi_home: Path, daemon_version: str) -> list[Finding]:
    """What the engine pulumi and the target docker take; without them the engine embedded, and processes."""
    cli, plugin = pulumi.find(machine, run), docker.find_plugin(machine, pulumi_home)
    found = isinstance(cli, Tool)
    return [
        Finding(
            "Pulumi",
            "the engine pulumi, and `pulumi up` by hand in infra/stack",
            required=False,
            found=found,
            version=cli.version if isinstance(cli, Tool) else "",
            path=cli.path if isinstance(cli, Tool) else None,
            remark=pulumi.origin(cli, machine) if isinstance(cli, Tool) else cli,
            remedy="" if found else pulumi.REMEDY,
        ),
        Finding(
            "Docker",
            "the daemon of the target docker",
            required=False,
            found=bool(daemon_version),
            version=daemon_version,
            path=None,
            remark="running daemon" if daemon_version else "no daemon answers",
            remedy="" if daemon_version else docker.DAEMON_REMEDY,
        ),
        Finding(
            "its plugin",
            "the target docker under the engine pulumi",
            required=False,
            found=plugin is not None,
            version=docker.plugin_version() if plugin else "",
            path=plugin,
            remark="system" if plugin else f"Pulumi's plugin for Docker {docker.plugin_version()} was not found",
            remedy="" if plugin else docker.plugin_remedy(),
        ),
    ]


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

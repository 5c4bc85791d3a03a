"""How each software is started as a process of this machine: its command line, its environment, its user."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from infra.settings import REPOSITORY, Settings
from infra.targets.declaration import NodeDeclaration, Place, Software
from infra.targets.process.processes import MARK, NODE_MARK
from infra.toolchain import ServerBinaries

POSTGRES_USER = "postgres"


class Launch(BaseModel):
    """A command that is ready to run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    argv: tuple[str, ...]
    environment: dict[str, str]
    directory: str
    user: str | None = None
    """Another user than ours, who then owns the node's folders."""
    version: str = ""
    """Of the software; another one replaces the node."""
    test: tuple[str, ...] = ()
    """A command that fails where the node would refuse its configuration files."""


@dataclass(frozen=True)
class Commands:
    """Turns declarations into commands for the servers that were found on this machine."""

    binaries: ServerBinaries
    home: Path

    def launch(self, declaration: NodeDeclaration, place: Place) -> Launch:
        """The command of a node."""
        server = {"PATH": os.defpath, "LANG": "C.UTF-8", **self.binaries.environment}
        own: dict[str, str] = {"HOME": place.config, MARK: str(self.home), NODE_MARK: declaration.name, **declaration.environment}
        directory = place.config
        user = None
        match declaration.software:
            case Software.APPLICATION:
                command: tuple[str, ...] = (sys.executable, "-m")
                server = {"PATH": f"{Path(sys.executable).parent}:{os.defpath}", "LANG": "C.UTF-8", "PYTHONPATH": str(REPOSITORY)}
                directory = str(Settings().application_dir)  # comes before PYTHONPATH
            case Software.LINKS:
                command = (sys.executable, "-m", "infra.links")
                server = {"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONPATH": str(REPOSITORY)}
            case Software.POSTGRESQL:
                command = (str(self.binaries.postgres_bin / "postgres"),)
                directory = place.data
                user = POSTGRES_USER if os.geteuid() == 0 else None
            case Software.REDIS:
                command = (str(self.binaries.redis_server),)
            case Software.NGINX:
                command = (str(self.binaries.nginx),)
            case Software.EPMD:
                command = (str(self.binaries.epmd),)
            case Software.RABBITMQ:
                command = (str(self.binaries.rabbitmq_home / "sbin" / "rabbitmq-server"),)
        argv = (*command, *declaration.arguments)
        return Launch(
            argv=argv,
            environment={**server, **own},
            directory=directory,
            user=user,
            version=self.binaries.versions.get(declaration.software.value, declaration.revision),
            test=(*argv, "-t", "-q") if declaration.software is Software.NGINX else (),
        )


def script(launch: Launch, pid_file: Path) -> str:
    """A shell script that becomes the node; it leaves its pid first, so that even a node half started can be found.

    Environment goes by ``export``, a builtin: with env(1) the passwords in it would be on a command line for a moment.
    """
    exports = (f"export {name}={shlex.quote(value)}" for name, value in launch.environment.items())
    lines = (
        "#!/bin/sh",
        f"echo $$ > {shlex.quote(str(pid_file))}",
        *exports,
        f"cd {shlex.quote(launch.directory)} || exit 1",
        f"exec {shlex.join(launch.argv)}",
    )
    return "\n".join(lines) + "\n"

"""What container a declared node becomes: a pure function from one typed value to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from infra.images.recipe import Image
from infra.targets.declaration import NodeDeclaration, Place, PublishedPort, Software
from infra.targets.docker import health

IMAGES: Final[Mapping[Software, Image]] = {
    Software.APPLICATION: Image.APP,
    Software.LINKS: Image.LINKS,
    Software.NGINX: Image.GATEWAY,
    Software.POSTGRESQL: Image.POSTGRES,
    Software.RABBITMQ: Image.RABBITMQ,
    Software.REDIS: Image.REDIS,
}
UPLOADS: Final = "/etc/spirelab"
"""Where the configuration is put before the start."""
CONFIG: Final = "/run/spirelab"
"""Where the node has it, in memory and readable for its user alone: the image's ``start`` copies it."""
DATA: Final = "/data"
FIRST_START: Final = "first-start.sql"
HEALTH: Final = "health"
RESOLVER: Final = "127.0.0.11"
"""Docker's name server, in each network that is not the default one."""
_USER: Final = 10001
"""In the recipe."""
SCRATCH: Final[Mapping[str, str]] = dict.fromkeys(
    (CONFIG, "/tmp"),  # noqa: S108 - the container's own
    f"rw,nosuid,nodev,noexec,size=64m,mode=0700,uid={_USER},gid={_USER}",
)
"""The folders in memory."""


@dataclass(frozen=True)
class ContainerSpec:
    """All of a container that depends on its node."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    """May hold secrets."""
    files: Mapping[str, str]
    """By name, in :data:`UPLOADS`; may hold secrets."""
    health: tuple[str, ...]
    """What ``healthy`` is given to ask; empty where it finds that in a file, with the passwords it needs."""
    published: tuple[PublishedPort, ...]
    stop_signal: str

    @property
    def read_only(self) -> bool:
        """Whether its root is: pulumi-docker can't put files into one that is."""
        return not self.files


def container(declaration: NodeDeclaration) -> ContainerSpec:
    """The container of a node."""
    questions = health.lines(declaration.readiness)
    files = dict(declaration.files)
    if files:
        files[HEALTH] = "".join(f"{line}\n" for line in questions)
    if declaration.first_start:
        files[FIRST_START] = f"{declaration.first_start}\n"
    return ContainerSpec(
        command=declaration.arguments,
        environment=declaration.environment,
        files=files,
        health=() if files else questions,
        published=declaration.published,
        stop_signal=f"SIG{declaration.stop_signal.value}",
    )


def place(node: str, container_name: str) -> Place:
    """Where a node in a container finds its things: the same for each, for each has a file system of its own."""
    return Place(
        host=node,
        listen="0.0.0.0",  # noqa: S104 - of the container, in whose networks are only those who may reach it
        has_network_names=True,
        resolver=RESOLVER,
        config=CONFIG,
        data=DATA,
        log=f"docker logs {container_name}",
        access_log="/dev/stdout",
    )

"""The API of a Docker engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import docker
import docker.errors

from infra.errors import DockerError
from infra.settings import ToolSettings
from infra.toolchain.docker import daemon_version

_TIMEOUT_S = 60


def connect(timeout_s: int = _TIMEOUT_S) -> docker.DockerClient:
    """A client of the engine that ``DOCKER_HOST`` names, or of this machine's; ``timeout_s`` is for one answer of it.

    Raises:
        DockerError: none answers this user.
    """
    host = ToolSettings().docker_host
    if not daemon_version(host):  # docker's client would leave its socket open where nobody listens
        raise DockerError(f"no Docker engine answers this user at {host}; start it, or set DOCKER_HOST to one that runs")
    try:
        return docker.from_env(timeout=timeout_s)  # it asks the engine for its version
    except docker.errors.DockerException as error:
        raise DockerError(f"the Docker engine at {host} can't be used: {error}") from None


@contextmanager
def translated() -> Iterator[None]:
    """Around what is asked of an engine, or on a function that asks it: its refusals as errors of ours.

    Raises:
        DockerError: it refuses, as where a container has just ended.
    """
    try:
        yield
    except docker.errors.DockerException as error:
        raise DockerError(f"the Docker engine refuses: {getattr(error, 'explanation', None) or error}") from None

"""The limit of processes and threads in a container, which pulumi-docker's container has no property for."""

from __future__ import annotations

import contextlib
from http import HTTPStatus

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

from infra.docker_api import connect
from infra.errors import DockerError
from infra.targets.reserved import Properties

PIDS_TYPE = "pulumi-python:dynamic/docker:PidsLimit"


class PidsLimitProvider(ResourceProvider):
    """Sets the limit of a running container; the engine keeps it over restarts, and it goes with the container."""

    def create(self, props: Properties) -> CreateResult:
        """Set it."""
        _set(props["container"], int(props["limit"]))
        return CreateResult(props["container"], props)

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        """Another container is another resource; another limit is set in place."""
        replaces = ["container"] if olds["container"] != news["container"] else []
        return DiffResult(changes=bool(replaces) or int(olds["limit"]) != int(news["limit"]), replaces=replaces)

    def update(self, _id: str, _olds: Properties, news: Properties) -> UpdateResult:
        """Set it anew."""
        _set(news["container"], int(news["limit"]))
        return UpdateResult(news)

    def delete(self, _id: str, _props: Properties) -> None:
        """It goes with the container."""


class PidsLimit(Resource, module="docker", name="PidsLimit"):
    """How many processes and threads a container may have."""

    def __init__(self, name: str, *, container: pulumi.Input[str], limit: int, opts: pulumi.ResourceOptions) -> None:
        super().__init__(PidsLimitProvider(), name, {"container": container, "limit": limit}, opts)


def _set(container: str, limit: int) -> None:
    with contextlib.closing(connect()) as client:
        api = client.api
        answer = api.post(f"{api.base_url}/v{api.api_version}/containers/{container}/update", json={"PidsLimit": limit})
        if answer.status_code != HTTPStatus.OK:
            raise DockerError(f"container {container[:12]} can't be limited to {limit} processes: {answer.text.strip()}")

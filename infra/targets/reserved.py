"""What a deployment holds of its machine, whatever its nodes become: ports and passwords, as Pulumi dynamic resources.

The providers hold no state of their own and find everything in a resource's inputs, so that either engine can call them.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider

from infra.home import Home, updating
from infra.targets import ports

Properties = dict[str, Any]
TYPE_PREFIX = "pulumi-python:dynamic/process:"
_PASSWORD_BYTES = 24


class PortProvider(ResourceProvider):
    """Keeps a port for the deployment."""

    def create(self, props: Properties) -> CreateResult:
        """Reserve it."""
        home = Home(Path(props["home"]))
        port = ports.reserve(home, props["name"], int(props["wanted"]), props["factor"])
        return CreateResult(str(port), {**props, "port": port})

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        """Another port has to be wanted before the one that is held is given up."""
        changed = ["wanted"] if int(olds["wanted"]) != int(news["wanted"]) else []
        return DiffResult(changes=bool(changed), replaces=changed, delete_before_replace=False)

    def delete(self, _id: str, props: Properties) -> None:
        """Let others have it."""
        if "port" in props:
            ports.release(Home(Path(props["home"])), int(props["port"]))


class PasswordProvider(ResourceProvider):
    """Generates a password once, and keeps it as long as the data that it protects."""

    def create(self, props: Properties) -> CreateResult:
        """Generate it, or find it where the data outlived the deployment."""
        with updating(Home(Path(props["home"])).secrets_file) as known:
            value = known.setdefault(props["name"], secrets.token_urlsafe(_PASSWORD_BYTES))
        return CreateResult(props["name"], {**props, "value": value})

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        """It never changes."""
        return DiffResult(changes=False)


class Port(Resource, module="process", name="Port"):
    """A TCP port on loopback."""

    port: pulumi.Output[int]

    def __init__(self, name: str, *, home: str, wanted: int, factor: str, opts: pulumi.ResourceOptions) -> None:
        props = {"home": home, "name": name, "wanted": wanted, "factor": factor, "port": None}
        super().__init__(PortProvider(), name, props, opts)


class Password(Resource, module="process", name="Password"):
    """A generated secret."""

    value: pulumi.Output[str]

    def __init__(self, name: str, *, home: str, opts: pulumi.ResourceOptions) -> None:
        options = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(additional_secret_outputs=["value"]))
        super().__init__(PasswordProvider(), name, {"home": home, "name": name, "value": None}, options)


def reserving_providers() -> dict[str, ResourceProvider]:
    """The provider of each resource type, for an engine that calls them itself."""
    return {f"{TYPE_PREFIX}Port": PortProvider(), f"{TYPE_PREFIX}Password": PasswordProvider()}

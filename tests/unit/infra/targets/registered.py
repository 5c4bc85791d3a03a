"""What the docker target registers for a topology, by an engine that makes nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pulumi.runtime import mocks

from infra.engines.program import run_program
from infra.home import StateRoot
from infra.lab import declare
from infra.targets.docker.target import DockerTarget
from infra.topology import Topology

SECRET = "4dabf18193072939515e22adb298388d"  # noqa: S105 - Pulumi's mark of a secret, itself none
CONTAINER = "docker:index/container:Container"
NETWORK = "docker:index/network:Network"
VOLUME = "docker:index/volume:Volume"
IMAGE = "docker:index/remoteImage:RemoteImage"


@dataclass
class Registered(mocks.Mocks):
    """The inputs of each resource, secrets in Pulumi's wrapping; passwords and ports are made up."""

    inputs: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        """Remember it."""
        self.inputs[args.typ, args.name] = args.inputs
        known = dict(args.inputs)
        match args.typ.rsplit(":", 1)[1]:
            case "Password":
                known["value"] = password_of(args.name)
            case "Port":
                known["port"] = args.inputs["wanted"] or 20_000 + len(self.inputs)
            case "RemoteImage":
                known["imageId"] = f"id of {args.inputs['name'].split(':')[0]}"
            case "Container":
                networks = [network["name"] for network in args.inputs["networksAdvanced"]][::-1]  # in no order of ours
                known["networkDatas"] = [
                    {"networkName": network, "ipAddress": address_in(args.name, network.partition("-x-")[2].partition("-")[2])}
                    for network in networks
                ]
        return f"{args.name}-id", known

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        """Nothing calls a function."""
        raise NotImplementedError(args.token)

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """Those of a type by name, without the wrapping of secrets."""
        return {name: revealed(inputs) for (each, name), inputs in self.inputs.items() if each == kind}


def address_in(node: str, network: str) -> str:
    """What stands for the address of a node in a network."""
    return f"192.0.2.{node}.{network}"


def password_of(name: str) -> str:
    """What stands for a generated password."""
    return f"password-of-{name}"


def register(topology: Topology, folder: Path, name: str = "x") -> tuple[Registered, dict[str, Any]]:
    """What is registered, and what the program returns."""
    home = StateRoot(folder).home(name)
    registered = Registered()
    outputs = run_program(
        lambda: declare(topology, DockerTarget(home, topology), name),
        mocks.MockMonitor(registered),
        name,
    )
    return registered, outputs


def revealed(value: Any) -> Any:
    """A property as the provider gets it."""
    if isinstance(value, dict):
        return revealed(value["value"]) if SECRET in value else {key: revealed(item) for key, item in value.items()}
    return [revealed(item) for item in value] if isinstance(value, list) else value


def hidden(value: Any) -> Any:
    """A property as it may be shown."""
    if isinstance(value, dict):
        return "[secret]" if SECRET in value else {key: hidden(item) for key, item in value.items()}
    return [hidden(item) for item in value] if isinstance(value, list) else value

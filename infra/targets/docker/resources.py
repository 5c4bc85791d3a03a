"""A container's specification as pulumi-docker's resource, with what is the same for every container of the lab."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import pulumi
import pulumi_docker as docker

from infra.targets.docker.names import Names
from infra.targets.docker.spec import DATA, SCRATCH, UPLOADS, ContainerSpec
from infra.topology import Limits

_STOP_TIMEOUT_S = 10
_READY_TIMEOUT_S = 120
_HEALTH_RETRIES = 3
_HEALTH_TIMES: Final = {"interval": "10s", "timeout": "5s", "start_period": "1m0s"}
"""As in the recipe, and in the engine's own words: what is left out or said otherwise shows up as drift."""
_LOG_SIZE: Final = {"max-size": "10m", "max-file": "3"}
_LOOPBACK = "127.0.0.1"


def image(name: str, reference: str) -> docker.RemoteImage:
    """An image that is there; ``nox -s images`` builds it, and it outlives the deployment."""
    return docker.RemoteImage(f"image-{name}", name=reference, keep_locally=True)


def network(name: str, names: Names, *, internal: bool) -> docker.Network:
    """A bridge of its own; an internal one has no way out of the machine."""
    return docker.Network(
        f"network-{name}",
        name=names.thing(name),
        driver="bridge",
        internal=internal,
        labels=[docker.NetworkLabelArgs(label=label, value=value) for label, value in names.labels().items()],
    )


def volume(node: str, names: Names, parent: pulumi.Resource) -> docker.Volume:
    """A node's data: the engine keeps it when the deployment goes down, and finds it again by its name."""
    return docker.Volume(
        f"volume-{node}",
        name=names.thing(node),
        labels=[docker.VolumeLabelArgs(label=label, value=value) for label, value in names.labels(node).items()],
        opts=pulumi.ResourceOptions(parent=parent, retain_on_delete=True),
    )


def container(
    node: str,
    spec: pulumi.Output[ContainerSpec],
    *,
    image_id: pulumi.Output[str],
    names: Names,
    networks: Mapping[str, docker.Network],
    data: docker.Volume | None,
    limits: Limits,
    parent: pulumi.Resource,
    depends_on: Sequence[pulumi.Resource],
) -> docker.Container:
    """A running container whose health check passes.

    What may hold secrets stays secret; the rest is taken out of the specification as no secret, so that a preview can show it.
    """
    plain = pulumi.Output.unsecret(spec)
    memory_mib = limits.memory_mib
    return docker.Container(
        node,
        name=names.thing(node),
        hostname=node,
        image=image_id,
        command=plain.apply(lambda known: list(known.command)),
        envs=spec.apply(lambda known: [f"{name}={value}" for name, value in sorted(known.environment.items())]),
        uploads=spec.apply(lambda known: _uploads(known.files)),
        ports=plain.apply(
            lambda known: [docker.ContainerPortArgs(internal=port.listen, external=port.public, ip=_LOOPBACK) for port in known.published]
        ),
        networks_advanced=[
            docker.ContainerNetworksAdvancedArgs(name=each.name, aliases=[node, f"{node}.{name}"]) for name, each in networks.items()
        ],
        volumes=[docker.ContainerVolumeArgs(container_path=DATA, volume_name=data.name)] if data else [],
        tmpfs=dict(SCRATCH),
        read_only=plain.apply(lambda known: known.read_only),
        capabilities=docker.ContainerCapabilitiesArgs(drops=["ALL"]),
        security_opts=["no-new-privileges"],
        cpus=str(limits.cpus),
        memory=memory_mib,
        memory_swap=memory_mib,  # no swap; left out, it would show up as drift
        ulimits=[docker.ContainerUlimitArgs(name="nofile", soft=limits.nofile, hard=limits.nofile)],
        log_driver="json-file",
        log_opts=_LOG_SIZE,
        labels=[docker.ContainerLabelArgs(label=label, value=value) for label, value in names.labels(node).items()],
        restart="no",  # a node that a fault has ended stays away until the fault is healed
        stop_signal=plain.apply(lambda known: known.stop_signal),
        stop_timeout=_STOP_TIMEOUT_S,
        destroy_grace_seconds=_STOP_TIMEOUT_S,
        healthcheck=plain.apply(
            lambda known: docker.ContainerHealthcheckArgs(tests=["CMD", "healthy", *known.health], retries=_HEALTH_RETRIES, **_HEALTH_TIMES)
        ),
        wait=True,
        wait_timeout=_READY_TIMEOUT_S,
        opts=pulumi.ResourceOptions(parent=parent, depends_on=list(depends_on), delete_before_replace=True),
    )


def _uploads(files: Mapping[str, str]) -> list[docker.ContainerUploadArgs]:
    return [docker.ContainerUploadArgs(file=f"{UPLOADS}/{name}", content=content) for name, content in sorted(files.items())]

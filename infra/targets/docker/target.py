"""The ``docker`` target: every node a container from the lab's images, in networks that keep the databases to their services."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import pulumi
import pulumi_docker as docker

from infra.errors import FactorError
from infra.home import Home
from infra.images.recipe import reference
from infra.targets.declaration import NodeDeclaration, Place, Software
from infra.targets.docker import resources, spec
from infra.targets.docker.names import Names
from infra.targets.docker.pids import PidsLimit
from infra.targets.reserved import Password, Port
from infra.targets.target import PUBLIC, PublicPort, RunningNode
from infra.topology import Topology

_MOST_OF_MEMORY = 0.75
"""What a server may be told to fill of its container's memory: it needs some beside."""


class DockerTarget:
    """Makes nodes real as containers; the deployment in ``home`` keeps their passwords and public ports."""

    name = "docker"

    def __init__(self, home: Home, topology: Topology) -> None:
        """Check that the topology fits into containers.

        Raises:
            FactorError: a server is to use more memory than its container may have.
        """
        _refuse_unfit(topology)
        self._home = home
        self._limits = topology.limits
        self._names = Names.of(home)
        self._images: dict[Software, docker.RemoteImage] = {}
        self._networks: dict[str, docker.Network] = {}

    def place(self, node: str) -> Place:
        """Folders of the node's own container."""
        return spec.place(node, self._names.thing(node))

    def port(self, name: str, *, usual: int, parent: pulumi.Resource | None = None) -> pulumi.Output[int]:
        """The usual one: a container has all ports to itself."""
        del name, parent
        return pulumi.Output.from_input(usual)

    def public_port(self, name: str, *, usual: int, wanted: int, factor: str) -> PublicPort:
        """The usual one, published on a port of 127.0.0.1."""
        opts = pulumi.ResourceOptions()
        public = Port(name, home=str(self._home.path), wanted=wanted, factor=factor, opts=opts).port.apply(int)
        return PublicPort(listen=pulumi.Output.from_input(usual), public=public)

    def password(self, name: str, *, parent: pulumi.Resource | None = None) -> pulumi.Output[str]:
        """A password kept in the deployment's folder, as the volumes that it protects are kept."""
        opts = pulumi.ResourceOptions(parent=parent)
        return pulumi.Output.secret(Password(name, home=str(self._home.path), opts=opts).value)

    def prepare(self, *, after: Sequence[pulumi.Output[int]]) -> None:
        """Find the images."""
        del after
        self._images = {software: resources.image(image.value, reference(image)) for software, image in spec.IMAGES.items()}

    def node(
        self,
        name: str,
        declaration: pulumi.Output[NodeDeclaration],
        *,
        networks: Sequence[str],
        keeps_data: bool = False,
        parent: pulumi.Resource,
        depends_on: Sequence[pulumi.Resource] = (),
    ) -> RunningNode:
        """A container."""
        joined = {each: self._network(each) for each in networks}
        made = resources.container(
            name,
            declaration.apply(spec.container),
            image_id=self._image_id(declaration),
            names=self._names,
            networks=joined,
            data=resources.volume(name, self._names, parent) if keeps_data else None,
            limits=self._limits,
            parent=parent,
            depends_on=depends_on,
        )
        opts = pulumi.ResourceOptions(parent=made)
        PidsLimit(f"{name}-pids", container=made.id, limit=self._limits.pids, opts=opts)
        hosts = {each: made.network_datas.apply(functools.partial(_address, self._names.thing(each), name)) for each in networks}
        return RunningNode(made, declaration, hosts)

    def helper(
        self, name: str, declaration: pulumi.Output[NodeDeclaration], *, networks: Sequence[str], parent: pulumi.Resource
    ) -> RunningNode | None:
        """Nothing: the image starts its helper itself."""
        del name, declaration, networks, parent
        return None

    def _image_id(self, declaration: pulumi.Output[NodeDeclaration]) -> pulumi.Output[str]:
        software = pulumi.Output.unsecret(declaration).apply(lambda known: known.software)
        ids = pulumi.Output.all(**{each: image.image_id for each, image in self._images.items()})
        return pulumi.Output.all(software, ids).apply(lambda known: str(known[1][known[0]]))

    def _network(self, name: str) -> docker.Network:
        if name not in self._networks:
            self._networks[name] = resources.network(name, self._names, internal=name != PUBLIC)
        return self._networks[name]


def _address(network: str, node: str, found: Sequence[docker.outputs.ContainerNetworkData] | None) -> str:
    """Where the node is in the network; its name in a preview, which knows no address."""
    return next((each.ip_address for each in found or () if each.network_name == network and each.ip_address), node)


def _refuse_unfit(topology: Topology) -> None:
    room_mib = int(topology.limits.memory_mib * _MOST_OF_MEMORY)
    for factor, wanted_mib in (
        ("cache.memory_mib", topology.cache.memory_mib if topology.cache.enabled else 0),
        ("database.shared_buffers_mib", topology.database.shared_buffers_mib),
    ):
        if wanted_mib > room_mib:
            raise FactorError(
                f"{factor}={wanted_mib} does not fit into a container of {topology.limits.memory_mib} MiB, of which {room_mib} may be "
                "filled; lower it, or raise limits.memory_mib"
            )

"""The providers of pulumi-docker's resources for the embedded engine: by the engine's API, they make what its plugin makes.

They hold no state but the connection, and find everything in a resource's inputs, whose names are the plugin's.
"""

from __future__ import annotations

import functools
import io
import tarfile
import time
from collections.abc import Mapping
from typing import Any, Final

import docker
import docker.errors
from docker.models.containers import Container
from docker.models.networks import Network
from docker.types import Healthcheck, LogConfig, Ulimit
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, ResourceProvider

from infra.docker_api import connect, translated
from infra.progress import Watch
from infra.targets.docker.engine import await_ready
from infra.targets.docker.names import NODE_LABEL
from infra.targets.docker.pids import PIDS_TYPE, PidsLimitProvider
from infra.targets.reserved import Properties, reserving_providers

_BYTES_PER_MIB: Final = 1024 * 1024
_NS_PER: Final = {"m": 60_000_000_000, "s": 1_000_000_000}


class _Provider(ResourceProvider):
    """What they have in common: a thing whose inputs differ is made anew."""

    @functools.cached_property
    def _client(self) -> docker.DockerClient:
        """Made when first asked for: who only reads the state needs no engine."""
        return connect()

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        """Compare the inputs; what is not known yet is taken for another one."""
        changed = [key for key in news if key not in olds or olds[key] != news[key]]
        return DiffResult(changes=bool(changed), replaces=changed, delete_before_replace=True)

    def delete(self, _id: str, _props: Properties) -> None:
        """Nothing: an image or a volume outlives the deployment."""


class ImageProvider(_Provider):
    """Finds an image that is there."""

    @translated()
    def create(self, props: Properties) -> CreateResult:
        """Look it up."""
        image = self._client.images.get(props["name"])
        return CreateResult(str(image.id), {**props, "imageId": image.id})


class NetworkProvider(_Provider):
    """Makes bridges."""

    @translated()
    def create(self, props: Properties) -> CreateResult:
        """Make it; one of that name that a killed command has left is of no use."""
        self._remove(props["name"])
        made = self._client.networks.create(
            props["name"], driver=props["driver"], internal=props.get("internal", False), labels=_labels(props)
        )
        return CreateResult(str(made.id), props)

    @translated()
    def read(self, id_: str, props: Properties) -> ReadResult:
        """It is there as long as the engine knows it."""
        return ReadResult(id_ if id_ in [network.id for network in self._found(props["name"])] else "", props)

    @translated()
    def delete(self, _id: str, props: Properties) -> None:
        """Remove it; gone is fine."""
        self._remove(props["name"])

    def _remove(self, name: str) -> None:
        for network in self._found(name):
            network.remove()

    def _found(self, name: str) -> list[Network]:
        """By its name: what a killed command was about to make has no id yet."""
        return [network for network in self._client.networks.list(names=[name]) if network.name == name]


class VolumeProvider(_Provider):
    """Makes volumes, or finds them where the data outlived the deployment."""

    @translated()
    def create(self, props: Properties) -> CreateResult:
        """Make it; the engine leaves one that is there as it is."""
        self._client.volumes.create(props["name"], labels=_labels(props))
        return CreateResult(props["name"], props)


class ContainerProvider(_Provider):
    """Runs containers."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    @translated()
    def create(self, props: Properties) -> CreateResult:
        """Start it, and wait until its health check passes; one that fails is removed again."""
        began = time.monotonic()
        self._remove(props["name"])
        container = self._made(props)
        try:
            node = container.labels[NODE_LABEL]
            first, *others = props["networksAdvanced"]
            for network in others:
                self._client.networks.get(network["name"]).connect(container, aliases=network["aliases"])
            for upload in props.get("uploads", []):
                container.put_archive("/", _archive(upload["file"], upload["content"]))
            container.start()
            await_ready(container, node, self._watch)
        except BaseException:
            container.remove(force=True)
            raise
        self._watch.progress.done(node, "ready", time.monotonic() - began)
        joined = container.attrs["NetworkSettings"]["Networks"]
        datas = [{"networkName": each["name"], "ipAddress": joined[each["name"]]["IPAddress"]} for each in (first, *others)]
        return CreateResult(str(container.id), {**props, "networkDatas": datas})

    @translated()
    def read(self, id_: str, props: Properties) -> ReadResult:
        """It is there as long as it runs."""
        running = [container.id for container in self._found(props["name"]) if container.attrs["State"]["Running"]]
        return ReadResult(id_ if id_ in running else "", props)

    @translated()
    def delete(self, _id: str, props: Properties) -> None:
        """Ask it to end, and remove it; gone is fine."""
        for container in self._found(props["name"]):
            container.stop(timeout=int(props["stopTimeout"]))
        self._remove(props["name"])

    def _remove(self, name: str) -> None:
        for container in self._found(name):
            container.remove(force=True)

    def _found(self, name: str) -> list[Container]:
        """By its name: what a killed command was about to make has no id yet."""
        return [container for container in self._client.containers.list(all=True, filters={"name": name}) if container.name == name]

    def _made(self, props: Properties) -> Container:
        api = self._client.api
        network = props["networksAdvanced"][0]
        volumes = {volume["containerPath"]: volume["volumeName"] for volume in props.get("volumes", [])}
        ports: dict[int | str, Any] = {int(port["internal"]): (port["ip"], int(port["external"])) for port in props.get("ports", [])}
        created = api.create_container(
            props["image"],
            command=props.get("command"),
            name=props["name"],
            hostname=props["hostname"],
            environment=props.get("envs", []),
            labels=_labels(props),
            volumes=list(volumes),
            healthcheck=_healthcheck(props["healthcheck"]),
            ports=list(ports),
            stop_signal=props["stopSignal"],
            host_config=api.create_host_config(
                binds=[f"{name}:{path}" for path, name in volumes.items()],
                tmpfs=props["tmpfs"],
                read_only=props["readOnly"],
                cap_drop=props["capabilities"]["drops"],
                security_opt=props["securityOpts"],
                nano_cpus=int(float(props["cpus"]) * _NS_PER["s"]),
                mem_limit=int(props["memory"]) * _BYTES_PER_MIB,
                memswap_limit=int(props["memorySwap"]) * _BYTES_PER_MIB,
                ulimits=[Ulimit(name=each["name"], soft=int(each["soft"]), hard=int(each["hard"])) for each in props["ulimits"]],
                log_config=LogConfig(type=props["logDriver"], config=props["logOpts"]),
                port_bindings=ports,
            ),
            networking_config={"EndpointsConfig": {network["name"]: api.create_endpoint_config(aliases=network["aliases"])}},
        )
        return self._client.containers.get(created["Id"])


def providers(watch: Watch) -> dict[str, ResourceProvider]:
    """The provider of each resource type, for an engine that calls them itself."""
    return {
        **reserving_providers(),
        PIDS_TYPE: PidsLimitProvider(),
        "docker:index/remoteImage:RemoteImage": ImageProvider(),
        "docker:index/network:Network": NetworkProvider(),
        "docker:index/volume:Volume": VolumeProvider(),
        "docker:index/container:Container": ContainerProvider(watch),
    }


def _labels(props: Properties) -> dict[str, str]:
    return {each["label"]: each["value"] for each in props["labels"]}


def _healthcheck(given: Mapping[str, Any]) -> Healthcheck:
    return Healthcheck(
        test=given["tests"],
        retries=int(given["retries"]),
        interval=_ns(given["interval"]),
        timeout=_ns(given["timeout"]),
        start_period=_ns(given["startPeriod"]),
    )


def _ns(duration: str) -> int:
    """Of a duration in the engine's own words: ``10s``, ``1m0s``."""
    minutes, _, seconds = duration.removesuffix("s").rpartition("m")
    return int(minutes or 0) * _NS_PER["m"] + int(seconds) * _NS_PER["s"]


def _archive(path: str, content: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        entry = tarfile.TarInfo(path.removeprefix("/"))
        data = content.encode()
        entry.size, entry.mode = len(data), 0o644
        tar.addfile(entry, io.BytesIO(data))
    return packed.getvalue()

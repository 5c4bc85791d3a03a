"""Makes what a Pulumi program registers, through the engine's API: what pulumi-docker's plugin does, for machines that lack it."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Mapping
from typing import Any

import docker
from docker.models.containers import Container
from docker.types import Healthcheck, LogConfig, Ulimit
from pulumi.runtime import mocks

from infra.targets.docker.pids import PIDS_TYPE, PidsLimitProvider
from infra.targets.reserved import reserving_providers

_READY_TIMEOUT_S = 180.0
_LOOK_EVERY_S = 0.2
_MIB = 1024 * 1024
_NANOSECONDS = {"5s": 5_000_000_000, "10s": 10_000_000_000, "1m0s": 60_000_000_000}
_PROVIDER_PROPERTY = "__provider"
_SECRET_SIGNATURE = "4dabf18193072939515e22adb298388d"  # noqa: S105 - Pulumi's mark of a secret, itself none

Properties = dict[str, Any]


class EngineMocks(mocks.Mocks):
    """Each registration is carried out at once; its outputs are those of the real thing."""

    def __init__(self, client: docker.DockerClient) -> None:
        self._client = client
        self._dynamic = {**reserving_providers(), PIDS_TYPE: PidsLimitProvider()}

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        """Make it."""
        inputs = {key: plain(value) for key, value in args.inputs.items() if key != _PROVIDER_PROPERTY}
        match args.typ:
            case "docker:index/remoteImage:RemoteImage":
                image = self._client.images.get(inputs["name"])
                return str(image.id), {**inputs, "imageId": image.id}
            case "docker:index/network:Network":
                network = self._client.networks.create(
                    inputs["name"], driver=inputs["driver"], internal=inputs.get("internal", False), labels=_labels(inputs)
                )
                return str(network.id), inputs
            case "docker:index/volume:Volume":
                self._client.volumes.create(inputs["name"], labels=_labels(inputs))
                return inputs["name"], inputs
            case "docker:index/container:Container":
                return self._container(inputs)
            case kind if kind in self._dynamic:
                made = self._dynamic[kind].create(inputs)
                return str(made.id), dict(made.outs or {})
            case _ if args.custom:
                raise NotImplementedError(args.typ)
        return "", {}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        """Nothing calls a function."""
        raise NotImplementedError(args.token)

    def _container(self, inputs: Properties) -> tuple[str, Properties]:
        api = self._client.api
        first, *others = inputs["networksAdvanced"]
        binds = [f"{volume['volumeName']}:{volume['containerPath']}" for volume in inputs.get("volumes", [])]
        created = api.create_container(
            inputs["image"],
            command=inputs.get("command"),
            name=inputs["name"],
            hostname=inputs["hostname"],
            environment=inputs.get("envs", []),
            labels=_labels(inputs),
            volumes=[volume["containerPath"] for volume in inputs.get("volumes", [])],
            healthcheck=_healthcheck(inputs["healthcheck"]),
            ports=[port["internal"] for port in inputs.get("ports", [])],
            stop_signal=inputs["stopSignal"],
            host_config=api.create_host_config(
                binds=binds,
                tmpfs=inputs["tmpfs"],
                read_only=inputs["readOnly"],
                cap_drop=inputs["capabilities"]["drops"],
                security_opt=inputs["securityOpts"],
                nano_cpus=int(float(inputs["cpus"]) * 1e9),
                mem_limit=inputs["memory"] * _MIB,
                memswap_limit=inputs["memorySwap"] * _MIB,
                ulimits=[Ulimit(name=limit["name"], soft=limit["soft"], hard=limit["hard"]) for limit in inputs["ulimits"]],
                log_config=LogConfig(type=inputs["logDriver"], config=inputs["logOpts"]),
                port_bindings={port["internal"]: (port["ip"], port["external"]) for port in inputs.get("ports", [])},
            ),
            networking_config={"EndpointsConfig": {first["name"]: api.create_endpoint_config(aliases=first["aliases"])}},
        )
        container = self._client.containers.get(created["Id"])
        for network in others:
            self._client.networks.get(network["name"]).connect(container, aliases=network["aliases"])
        for upload in inputs.get("uploads", []):
            container.put_archive("/", _archive(upload["file"], upload["content"]))
        container.start()
        wait_healthy(container)
        found = container.attrs["NetworkSettings"]["Networks"]
        datas = [{"networkName": each["name"], "ipAddress": found[each["name"]]["IPAddress"]} for each in inputs["networksAdvanced"]]
        return str(container.id), {**inputs, "networkDatas": datas}


def wait_healthy(container: Container) -> None:
    """Wait until its health check passes; fail with the end of its log where it ends or takes too long."""
    deadline = time.monotonic() + _READY_TIMEOUT_S
    while True:
        container.reload()
        state = container.attrs["State"]
        health = state.get("Health", {})
        if health.get("Status") == "healthy":
            return
        if not state["Running"] or time.monotonic() > deadline:
            said = [entry["Output"].strip() for entry in health.get("Log", [])][-1:]
            raise AssertionError(f"{container.name}: {state['Status']}, {said}\n{container.logs(tail=30).decode()}")
        time.sleep(_LOOK_EVERY_S)


def plain(value: Any) -> Any:
    """A property without Pulumi's wrapping of secrets, whole numbers as such."""
    if isinstance(value, Mapping):
        if _SECRET_SIGNATURE in value:
            return plain(value["value"])
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _labels(inputs: Properties) -> dict[str, str]:
    return {each["label"]: each["value"] for each in inputs["labels"]}


def _healthcheck(given: Properties) -> Healthcheck:
    return Healthcheck(
        test=given["tests"],
        retries=given["retries"],
        interval=_NANOSECONDS[given["interval"]],
        timeout=_NANOSECONDS[given["timeout"]],
        start_period=_NANOSECONDS[given["startPeriod"]],
    )


def _archive(path: str, content: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        entry = tarfile.TarInfo(path.removeprefix("/"))
        data = content.encode()
        entry.size, entry.mode = len(data), 0o644
        tar.addfile(entry, io.BytesIO(data))
    return packed.getvalue()

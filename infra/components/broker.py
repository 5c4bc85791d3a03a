"""RabbitMQ with its management page, and the port mapper that Erlang wants beside it."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pulumi
from pydantic import Field

from infra.components.base import TYPE, Config, address
from infra.deployment import Role
from infra.targets.declaration import ExchangeCheck, HttpCheck, NodeDeclaration, Place, PublishedPort, Software, StopSignal
from infra.targets.target import INSIDE, PUBLIC, PublicPort, RunningNode, Target

PORT = 5672
MANAGEMENT_PORT = 15672
_ERLANG_PORT = 25672
_MAPPER_PORT = 4369
VHOST = "spire"
SERVICE_USER = "spire"
VIEWER = "lab"
"""Sees every queue on the management page and in its API, and changes nothing."""
_AMQP_GREETING = "AMQP\x00\x00\x09\x01"
_AMQP_METHOD_FRAME = "\x01\x00\x00"
_ERLANG_OPTIONS = (
    "-kernel inet_dist_use_interface {127,0,0,1} "
    "-start_epmd false "  # one that it starts itself would outlive it
    "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none"  # idle schedulers would take the cores from the system under test
)
_STATISTICS_INTERVAL_MS = 1000
QUEUES_ON_DISK_AFTER_S = 1.5
"""Killed within half a second of the declaration of a quorum queue, RabbitMQ 3.10 can't open the queue again: every
declaration of it then times out after 60 s. A second later it always could."""


class BrokerConfig(Config):
    """What the broker is called in Erlang."""

    node: str = "broker"
    port_mapper: str = "epmd"
    erlang_name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")


class Broker(pulumi.ComponentResource):
    """The server with its port mapper; ``management`` is made outside, for it may be a fixed port that has to be checked first."""

    address: pulumi.Output[str]
    """``host:port`` for the other nodes."""
    viewer_url: pulumi.Output[str]
    """``http://user:password@host:port`` of the management page and API."""
    nodes: Sequence[RunningNode]

    def __init__(self, config: BrokerConfig, target: Target, *, management: PublicPort, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"{TYPE}Broker", config.node, None, opts)
        mapper_port = target.port(config.port_mapper, usual=_MAPPER_PORT, parent=self)
        mapper_declaration = mapper_port.apply(lambda port: declare_port_mapper(config, port))
        mapper = target.helper(config.port_mapper, mapper_declaration, networks=[INSIDE], parent=self)
        place = target.place(config.node)
        self.address = pulumi.Output.all(place.host, port := target.port(config.node, usual=PORT, parent=self)).apply(address)
        self._password = target.password(config.node, parent=self)
        values = pulumi.Output.all(
            port=port,
            management_port=management.listen,
            public_port=management.public,
            erlang_port=target.port(f"{config.node}-erlang", usual=_ERLANG_PORT, parent=self),
            mapper_port=mapper_port,
            password=self._password,
            viewer_password=target.password(f"{config.node}-viewer", parent=self),
            cookie=target.password(f"{config.node}-cookie", parent=self),
        )
        declaration = values.apply(lambda known: declare(config, place, **known))
        depends_on = [mapper.resource] if mapper else []
        node = target.node(config.node, declaration, networks=[INSIDE, PUBLIC], keeps_data=True, parent=self, depends_on=depends_on)
        self.viewer_url = values.apply(lambda known: f"http://{VIEWER}:{known['viewer_password']}@127.0.0.1:{known['public_port']}")
        self.nodes = [node, mapper] if mapper else [node]
        self.register_outputs({})

    def url(self, by: pulumi.Output[str]) -> pulumi.Output[str]:
        """For publishers and consumers, by an address that leads here.

        Of nothing else: where the management port is to change, a preview does not know it, and this is known all the same.
        """
        return pulumi.Output.all(by, self._password).apply(lambda known: f"amqp://{SERVICE_USER}:{known[1]}@{known[0]}/{VHOST}")


def declare_port_mapper(config: BrokerConfig, port: int) -> NodeDeclaration:
    """Erlang's port mapper as a node; the server finds its own distribution port by it."""
    return NodeDeclaration(
        name=config.port_mapper,
        role=Role.SUPPORT,
        group=config.node,
        software=Software.EPMD,
        arguments=("-address", "127.0.0.1", "-port", str(port)),
        port=port,
        readiness=(ExchangeCheck(port=port, send="", expect="", protocol="a connection"),),
        stop_signal=StopSignal.KILL,
    )


def declare(
    config: BrokerConfig,
    place: Place,
    *,
    port: int,
    management_port: int,
    public_port: int,
    erlang_port: int,
    mapper_port: int,
    password: str,
    viewer_password: str,
    cookie: str,
) -> NodeDeclaration:
    """The server as a node."""
    return NodeDeclaration(
        name=config.node,
        role=Role.BROKER,
        group=config.node,
        software=Software.RABBITMQ,
        environment={
            "RUNNING_UNDER_SYSTEMD": "true",  # the script then becomes the server, instead of staying its parent
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(mapper_port),
            "RABBITMQ_NODENAME": f"{config.erlang_name}@localhost",
            "RABBITMQ_DIST_PORT": str(erlang_port),
            "RABBITMQ_CONF_ENV_FILE": f"{place.config}/none",  # else the machine's own /etc/rabbitmq is read
            "RABBITMQ_CONFIG_FILE": f"{place.config}/rabbitmq.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{place.config}/enabled_plugins",
            "RABBITMQ_MNESIA_BASE": f"{place.data}/mnesia",
            "RABBITMQ_LOG_BASE": f"{place.config}/log",
            "RABBITMQ_PID_FILE": f"{place.config}/rabbitmq.pid",
            "RABBITMQ_GENERATED_CONFIG_DIR": f"{place.config}/generated",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": _ERLANG_OPTIONS,
        },
        files={
            ".erlang.cookie": cookie,
            "enabled_plugins": "[rabbitmq_management].\n",
            "definitions.json": _definitions(password, viewer_password),
            "rabbitmq.conf": (
                f"listeners.tcp.1 = {place.listen}:{port}\n"
                f"management.tcp.ip = {place.listen}\n"
                f"management.tcp.port = {management_port}\n"
                f"load_definitions = {place.config}/definitions.json\n"
                f"collect_statistics_interval = {_STATISTICS_INTERVAL_MS}\n"
                "log.file = false\n"
                "log.console = true\n"
                "log.console.level = warning\n"
            ),
        },
        port=port,
        published=(PublishedPort(listen=management_port, public=public_port),),
        readiness=(
            ExchangeCheck(port=port, send=_AMQP_GREETING, expect=_AMQP_METHOD_FRAME, protocol="AMQP"),
            HttpCheck(url=f"http://127.0.0.1:{management_port}/api/whoami", basic_auth=f"{VIEWER}:{viewer_password}"),
        ),
        stop_signal=StopSignal.KILL,
        stop_delay_s=QUEUES_ON_DISK_AFTER_S,
    )


def _definitions(password: str, viewer_password: str) -> str:
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    nothing_but_read = {"configure": "^$", "write": "^$", "read": ".*"}
    return json.dumps(
        {
            "vhosts": [{"name": VHOST}],
            "users": [
                {"name": SERVICE_USER, "password": password, "tags": ""},
                {"name": VIEWER, "password": viewer_password, "tags": "monitoring"},
            ],
            "permissions": [
                {"user": SERVICE_USER, "vhost": VHOST, **everything},
                {"user": VIEWER, "vhost": VHOST, **nothing_but_read},
            ],
        },
        indent=1,
    )

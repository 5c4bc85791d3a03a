"""The one Pulumi program: wires the components of a topology on a target, whoever runs it and wherever."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

from infra.components import broker as rabbitmq
from infra.components import gateway as nginx_gateway
from infra.components.base import address
from infra.components.broker import VHOST, Broker, BrokerConfig
from infra.components.cache import Cache, CacheConfig
from infra.components.database import Database, DatabaseConfig
from infra.components.gateway import Gateway, GatewayConfig
from infra.components.links import Links, LinksConfig, Server
from infra.components.nginx import Tuning, server
from infra.components.service import Service, ServiceConfig
from infra.components.worker import Worker, WorkerConfig
from infra.deployment import Node
from infra.links.edges import CACHED, Edge, edges
from infra.targets.declaration import NodeDeclaration, Place
from infra.targets.target import Target
from infra.topology import Topology

_SERVICE_PORTS = {"courses": 8001, "students": 8002, "enrollment": 8003}


def declare(topology: Topology, target: Target, name: str) -> pulumi.Output[dict[str, Any]]:
    """Register everything; the fields of a :class:`infra.deployment.Deployment`, but for its engine.

    No node waits for another, because only ports and passwords go between them: all start at once. The broker, the
    slowest, is registered first.
    """
    public = target.public_port("gateway", usual=nginx_gateway.PORT, wanted=topology.gateway.port, factor="gateway.port")
    management = target.public_port(
        "broker-management", usual=rabbitmq.MANAGEMENT_PORT, wanted=topology.broker.management_port, factor="broker.management_port"
    )
    internal_port = target.port("gateway-internal", usual=nginx_gateway.INTERNAL_PORT)
    target.prepare(after=[public.public, management.public])

    broker = Broker(BrokerConfig(erlang_name=f"spirelab-{name}"), target, management=management)
    databases = {service: _database(service, topology, target) for service in topology.services()}
    cache = Cache(CacheConfig(memory_mib=topology.cache.memory_mib), target) if topology.cache.enabled else None
    gateway_config = GatewayConfig(tuning=Tuning(**topology.gateway.model_dump(exclude={"port"})))
    internal_address = pulumi.Output.all(target.place(gateway_config.node).host, internal_port).apply(address)
    links = _links(topology, databases, target) if topology.links.enabled else None

    def way(client: str, server: str, address: pulumi.Output[str]) -> pulumi.Output[str]:
        """The address by which ``client`` reaches the server: its own, or that of the link between the two."""
        return address if links is None else links.addresses[Edge(client, server)]

    def backends(client: str, database: str, *, uses_cache: bool, enrolls: bool) -> dict[str, pulumi.Output[str]]:
        urls = {"SPIRE_DATABASE_URL": databases[database].url(way(client, f"{database}-db", databases[database].address))}
        if uses_cache and cache is not None:
            urls["SPIRE_CACHE_URL"] = cache.url(way(client, "cache", cache.address))
        if enrolls:
            urls["SPIRE_BROKER_URL"] = broker.url(way(client, "broker", broker.address))
            urls["SPIRE_PEERS_URL"] = way(client, gateway_config.node, internal_address).apply(lambda known: f"http://{known}")
        return urls

    def service(service_name: str) -> Service:
        factors = topology.services()[service_name]
        settings: dict[str, str] = {}
        if service_name in CACHED and cache is not None:
            settings["SPIRE_CACHE_TTL_S"] = str(topology.cache.ttl_s)
        if service_name == "enrollment":
            settings["SPIRE_DELIVERY_LIMIT"] = str(topology.broker.delivery_limit)
        config = ServiceConfig(
            name=service_name,
            usual_port=_SERVICE_PORTS[service_name],
            **factors.model_dump(),
            implementation=topology.software.implementation,
            settings=settings,
        )
        uses_cache, enrolls = service_name in CACHED, service_name == "enrollment"
        return Service(
            config,
            target,
            backends=lambda replica: backends(replica, service_name, uses_cache=uses_cache, enrolls=enrolls),
            networks=[databases[service_name].network],
        )

    services = {service_name: service(service_name) for service_name in topology.services()}
    worker = Worker(
        WorkerConfig(
            **topology.worker.model_dump(),
            delivery_limit=topology.broker.delivery_limit,
            implementation=topology.software.implementation,
        ),
        target,
        backends=lambda name: backends(name, "enrollment", uses_cache=False, enrolls=True),
        networks=[databases["enrollment"].network],
    )
    replicas = {
        f"{service_name}-{number}": Server(*found)
        for service_name, part in services.items()
        for number, found in enumerate(zip(part.addresses, part.nodes, strict=True), start=1)
    }
    upstreams = {replica: way(gateway_config.node, replica, found.address) for replica, found in replicas.items()}
    gateway = Gateway(
        gateway_config,
        target,
        public=public,
        internal_port=internal_port,
        replicas={
            service_name: [upstreams[f"{service_name}-{number}"] for number in range(1, len(part.nodes) + 1)]
            for service_name, part in services.items()
        },
    )
    if links is not None:
        servers = replicas | {f"{service_name}-db": Server(part.address, part.nodes[0]) for service_name, part in databases.items()}
        servers |= {"broker": Server(broker.address, broker.nodes[0]), "gateway": Server(internal_address, gateway.nodes[0])}
        links.run(servers | ({"cache": Server(cache.address, cache.nodes[0])} if cache else {}))
    parts: list[Gateway | Service | Worker | Database | Broker | Cache | Links] = [
        gateway,
        *services.values(),
        worker,
        *databases.values(),
        broker,
    ]
    parts += [part for part in (cache, links) if part is not None]
    return pulumi.Output.all(
        name=name,
        target=target.name,
        topology=topology.model_dump(),
        endpoints=pulumi.Output.all(
            gateway_url=gateway.url, management_url=management.public.apply(lambda port: f"http://127.0.0.1:{port}")
        ),
        nodes=pulumi.Output.all(
            upstreams, *(pulumi.Output.all(node.declaration, node.host) for part in parts for node in part.nodes)
        ).apply(lambda known: [_node(target, target.place(gateway_config.node), known[0], *each) for each in known[1:]]),
        links=links.described if links else [],
        credentials=pulumi.Output.all(
            database_dsns=pulumi.Output.all(**{service_name: database.probe_dsn for service_name, database in databases.items()}),
            reader_dsns=pulumi.Output.all(**{service_name: database.reader_dsn for service_name, database in databases.items()}),
            cache_url=cache.probe_url if cache else None,
            broker_management_url=broker.viewer_url,
            broker_vhost=VHOST,
            links_url=links.url if links else None,
            links_token=links.token if links else None,
        ),
        gateway_access_log=gateway.access_log,
    )


def _database(service: str, topology: Topology, target: Target) -> Database:
    return Database(DatabaseConfig(service=service, **topology.database.model_dump()), target)


def _links(topology: Topology, databases: Mapping[str, Database], target: Target) -> Links:
    networks = {f"{name}-db": database.network for name, database in databases.items()}
    return Links(LinksConfig(edges=edges(topology), networks=networks), target)


def _node(target: Target, gateway: Place, upstreams: Mapping[str, str], declaration: NodeDeclaration, host: str) -> dict[str, Any]:
    reached_at = upstreams.get(declaration.name)
    return Node(
        name=declaration.name,
        role=declaration.role,
        group=declaration.group,
        host=host,
        port=declaration.port,
        upstream=reached_at and server(gateway, reached_at),
        log_path=target.place(declaration.name).log,
    ).model_dump(mode="json")

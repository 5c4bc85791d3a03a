"""Single nodes in testcontainers, by the specification that the docker target has for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from docker.models.containers import Container
from docker.types import Healthcheck
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network

from infra.components import broker, cache, database, service
from infra.images.recipe import reference
from infra.progress import Watch
from infra.targets.declaration import NodeDeclaration
from infra.targets.docker import spec
from infra.targets.docker.engine import await_ready

WATCH = Watch(ready_timeout_s=180)
_PASSWORD = "password"  # noqa: S105 - of servers that nobody else reaches and that end with the test
_SERVICE_PORT = 8000
_BROKER = broker.BrokerConfig(erlang_name="spirelab-test")


class Group:
    """Nodes that share a network; what is not started is away."""

    def __init__(self, network: Network, stack: ExitStack) -> None:
        self._network = network
        self._stack = stack
        self.started: list[Container] = []

    def database(self, name: str) -> Container:
        """A service's PostgreSQL."""
        config = database.DatabaseConfig(service=name, max_connections=50, shared_buffers_mib=16)
        return self._start(database.declare(config, spec.place(config.node, config.node), database.PORT, _PASSWORD, _PASSWORD, _PASSWORD))

    def cache(self) -> Container:
        """Redis."""
        config = cache.CacheConfig(memory_mib=16)
        return self._start(cache.declare(config, spec.place(config.node, config.node), cache.PORT, _PASSWORD))

    def broker(self) -> Container:
        """RabbitMQ."""
        declaration = broker.declare(
            _BROKER,
            spec.place(_BROKER.node, _BROKER.node),
            port=broker.PORT,
            management_port=broker.MANAGEMENT_PORT,
            public_port=broker.MANAGEMENT_PORT,
            erlang_port=25672,
            mapper_port=4369,
            password=_PASSWORD,
            viewer_password=_PASSWORD,
            cookie=_PASSWORD,
        )
        return self._start(declaration)

    def replica(self, name: str) -> str:
        """A service that is told of all servers; the URL at which it is reached."""
        config = service.ServiceConfig(name=name, replicas=1, threads=4, pool_size=4)
        node = f"{name}-1"
        urls = {
            "SPIRE_DATABASE_URL": f"postgresql+psycopg2://{name}:{_PASSWORD}@{name}-db:{database.PORT}/{name}",
            "SPIRE_CACHE_URL": f"redis://:{_PASSWORD}@cache:{cache.PORT}/0",
            "SPIRE_BROKER_URL": f"amqp://{broker.SERVICE_USER}:{_PASSWORD}@{_BROKER.node}:{broker.PORT}/{broker.VHOST}",
            "SPIRE_PEERS_URL": "http://nobody.invalid",
        }
        started = self._start(service.declare(config, node, spec.place(node, node), _SERVICE_PORT, urls))
        return f"http://{self.address(started)}:{_SERVICE_PORT}"

    def address(self, container: Container) -> str:
        """Where the host reaches it."""
        container.reload()
        return str(container.attrs["NetworkSettings"]["Networks"][self._network.name]["IPAddress"])

    def _start(self, declaration: NodeDeclaration) -> Container:
        specified = spec.container(declaration)
        made = DockerContainer(reference(spec.IMAGES[declaration.software]))
        made.with_network(self._network).with_network_aliases(declaration.name)
        made.with_command(list(specified.command)).with_envs(**specified.environment)
        made.with_kwargs(
            hostname=declaration.name,
            read_only=specified.read_only,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            stop_signal=specified.stop_signal,
            healthcheck=Healthcheck(test=["CMD", "healthy", *specified.health], interval=1_000_000_000),
        )
        made.tmpfs.update(spec.SCRATCH)
        for name, content in specified.files.items():
            made.with_copy_into_container(content.encode(), f"{spec.UPLOADS}/{name}")
        container = self._stack.enter_context(made).get_wrapped_container()
        self.started.append(container)
        await_ready(container, declaration.name, WATCH)
        return container


@contextmanager
def group() -> Iterator[Group]:
    """A network of its own, removed in the end with all that was started in it."""
    with Network() as network, ExitStack() as stack:
        yield Group(network, stack)

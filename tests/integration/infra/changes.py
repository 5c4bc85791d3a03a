"""What each factor changes: the nodes that may be touched when it alone is set to another value."""

from __future__ import annotations

from dataclasses import dataclass

from infra.engines.engine import Action

CREATE, UPDATE, REPLACE, DELETE = Action
Nodes = dict[str, Action]


@dataclass(frozen=True)
class Expected:
    """One factor's other value, and what becomes of which node."""

    value: object
    nodes: Nodes


def _replaced(*names: str) -> Nodes:
    return dict.fromkeys(names, REPLACE)


_DATABASES = _replaced("courses-db", "students-db", "enrollment-db")
_RELOADED = {"gateway": UPDATE}
OF_FACTOR = {
    "software.implementation": Expected("tutorial", _replaced("courses-1", "students-1", "enrollment-1", "worker-1")),
    **{
        f"{service}.{factor}": Expected(value, {f"{service}-2": CREATE, **_RELOADED} if factor == "replicas" else _replaced(f"{service}-1"))
        for service in ("courses", "students", "enrollment")
        for factor, value in {"replicas": 2, "threads": 16, "pool_size": 16, "fast_paths": "off"}.items()
    },
    "worker.replicas": Expected(2, {"worker-2": CREATE}),
    "worker.prefetch": Expected(100, _replaced("worker-1")),
    "cache.enabled": Expected("off", {"cache": DELETE, **_replaced("courses-1", "students-1")}),
    "cache.ttl_s": Expected(120, _replaced("courses-1", "students-1")),
    "cache.memory_mib": Expected(128, _replaced("cache")),
    "database.max_connections": Expected(200, _DATABASES),
    "database.shared_buffers_mib": Expected(64, _DATABASES),
    "broker.management_port": Expected(28081, _replaced("broker")),
    "broker.delivery_limit": Expected(40, _replaced("enrollment-1", "worker-1")),
    "gateway.port": Expected(28080, _RELOADED),
    "gateway.connect_timeout_ms": Expected(600, _RELOADED),
    "gateway.read_timeout_ms": Expected(2000, _RELOADED),
    "gateway.tries": Expected(6, _RELOADED),
    "gateway.max_fails": Expected(6, _RELOADED),
    "gateway.fail_timeout_s": Expected(4, _RELOADED),
    "gateway.max_connections": Expected(512, _RELOADED),
    "gateway.keepalive": Expected(64, _RELOADED),
    "gateway.rate_limit_per_s": Expected(100, _RELOADED),
    **{f"limits.{factor}": Expected(value, {}) for factor, value in {"cpus": 2, "memory_mib": 1024, "pids": 1024, "nofile": 4096}.items()},
    "links.enabled": Expected("on", {"links": CREATE, **_replaced("courses-1", "students-1", "enrollment-1", "worker-1"), **_RELOADED}),
}
"""By the factor's path; in the reference topology, on the process target, to whose nodes the limits of containers mean nothing."""
OF_EACH_KIND = (
    "software.implementation",
    "courses.replicas",
    "worker.replicas",
    "cache.enabled",
    "database.max_connections",
    "broker.management_port",
    "gateway.port",
    "limits.cpus",
    "links.enabled",
)
"""Factors that between them create, replace, reload and delete nodes of every kind, and ports: what an engine could see differently."""

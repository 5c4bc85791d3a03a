"""What can be done with deployments: the API of infra for the other rooms and for its own command line."""

from infra.operations.deploying import DEFAULT_NAME, down, located, names, preview, read, refresh, sweep, tool, up
from infra.operations.running import (
    Tail,
    access_log,
    container_control,
    control,
    kill_node,
    log,
    processes,
    server_versions,
    start_node,
    status,
)

__all__ = [
    "DEFAULT_NAME",
    "Tail",
    "access_log",
    "container_control",
    "control",
    "down",
    "kill_node",
    "located",
    "log",
    "names",
    "preview",
    "processes",
    "read",
    "refresh",
    "server_versions",
    "start_node",
    "status",
    "sweep",
    "tool",
    "up",
]

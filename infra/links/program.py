"""The proxy program: all links of a deployment in one process, and their control side."""

from __future__ import annotations

import uvicorn

from infra.links.conditions import Configuration
from infra.links.control import LinkControl
from infra.links.proxy import Link

STOP_TIMEOUT_S = 2


async def serve(configuration: Configuration) -> None:
    """Listen on every route, then on the control side, whose answer thus means that all links are there.

    Raises:
        OSError: a port is taken.
    """
    links = {route.name: Link(route) for route in configuration.routes}
    try:
        for link in links.values():
            await link.start()
        server = uvicorn.Server(
            uvicorn.Config(
                LinkControl(links, configuration.token).app(),
                host=configuration.control_host,
                port=configuration.control_port,
                log_level="warning",
                timeout_graceful_shutdown=STOP_TIMEOUT_S,
            )
        )
        await server.serve()
    finally:
        for link in links.values():
            await link.stop()

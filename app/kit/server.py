"""The process: uvicorn, and a stop that no client notices."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

import uvicorn

from app.kit import logging as json_logging
from app.kit.application import Application
from app.kit.settings import ProcessSettings, SettingsError, load

log = logging.getLogger(__name__)
S = TypeVar("S", bound=ProcessSettings)

DRAIN_NOTICE_S = 0.2
"""Between saying not ready and closing the door."""
GRACEFUL_TIMEOUT_S = 5
KEEP_ALIVE_S = 75
"""Longer than any gateway keeps an idle connection, so that it is never we who close one that a request is just entering."""
GARBAGE_THRESHOLD = 20_000
"""Objects between two collections: requests leave hardly any cycles, and Python's 700 makes a collection every few requests."""
EXIT_USAGE = 2


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, application: Application) -> None:
        super().__init__(config)
        self._application = application

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Readiness off first, then stop; a second signal stops at once."""
        if self._application.health.draining:
            super().handle_exit(sig, frame)
            return
        self._application.health.drain()
        asyncio.get_running_loop().call_later(DRAIN_NOTICE_S, super().handle_exit, sig, frame)


def run(kind: type[S], create: Callable[[S], Application], port: Callable[[S], int]) -> None:
    """Read the settings, make the application and serve it until a signal; exits with 2 where the settings are not usable."""
    try:
        settings = load(kind)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(EXIT_USAGE)
    json_logging.configure(settings.replica)
    application = create(settings)
    config = uvicorn.Config(
        application,
        host=settings.host,
        port=port(settings),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACEFUL_TIMEOUT_S,
    )
    # What is there now stays: without it each full collection walks through the frameworks' hundred thousand objects again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)
    _Server(config, application).run()

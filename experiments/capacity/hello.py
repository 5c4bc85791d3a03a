"""The bare ASGI application as a child process, which ends with this one."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import psutil

from experiments.capacity.meter import Meter
from experiments.errors import MeasurementError
from experiments.settings import REPOSITORY

NODE: Final = "hello"
READY_TIMEOUT_S: Final = 15.0
"""Importing uvicorn takes a second of processor time, which a busy machine gives it late."""
STOP_TIMEOUT_S: Final = 3.0
POLL_S: Final = 0.05
LOOPBACK: Final = "127.0.0.1"


class Hello:
    """One server process, started when it is first asked for."""

    def __init__(self, sleep: Callable[[float], None]) -> None:
        self._sleep = sleep
        self._child: subprocess.Popen[bytes] | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{LOOPBACK}:{self._port}"

    def start(self) -> None:
        """Start it, unless it runs.

        Raises:
            MeasurementError: it does not answer.
        """
        if self._child is not None and self._child.poll() is None:
            return
        self._port = _free_port()
        command = [sys.executable, "-m", "experiments.baselines.hello", "--host", LOOPBACK, "--port", str(self._port)]
        # It ends when the pipe does, so with this process; a session of its own keeps the terminal's Ctrl-C from it.
        self._child = subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, start_new_session=True)
        deadline_s = time.monotonic() + READY_TIMEOUT_S
        while not _listens(self._port):
            if self._child.poll() is not None or time.monotonic() > deadline_s:
                raise MeasurementError(f"the bare ASGI hello does not answer on port {self._port}")
            self._sleep(POLL_S)

    def meter(self) -> Meter:
        """What it costs.

        Raises:
            MeasurementError: it doesn't run.
        """
        child = self._child
        if child is None or child.poll() is not None:
            raise MeasurementError("the bare ASGI hello does not run")
        return Meter(lambda: {NODE: [psutil.Process(child.pid)]})

    def stop(self) -> None:
        """End it, if it runs."""
        child, self._child = self._child, None
        if child is None:
            return
        child.terminate()
        with suppress(subprocess.TimeoutExpired):
            child.wait(STOP_TIMEOUT_S)
        child.kill()
        child.wait()
        if child.stdin is not None:
            child.stdin.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=POLL_S):
        return True
    return False

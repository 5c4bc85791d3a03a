"""wrk as a child process: one closed loop, bounded in time, and what it measured."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from experiments.capacity.tied import tied
from experiments.errors import MeasurementError
from experiments.settings import REPOSITORY
from infra.toolchain import Tool

SCRIPT: Final = Path(__file__).with_name("closed_loop.lua")
LAUNCH_S: Final = 0.1
"""From starting the child to its first request (measured on two idle cores); the time that counts is the one that wrk itself takes."""
GRACE_S: Final = 3
"""wrk ends by itself so long after the time at which it is told to."""
POLL_S: Final = 0.02
LAST_WORDS: Final = 200
"""Characters of wrk's complaint that an error quotes."""

_US_PER_S: Final = 1e6
_US_PER_MS: Final = 1e3


@dataclass(frozen=True)
class Loop:
    """What is sent: a GET of ``url``, or a POST of each line of a file."""

    url: str
    connections: int
    seconds: float
    bodies: Path | None = None
    count_refusals: bool = False


@dataclass(frozen=True)
class LoopResult:
    """What was answered."""

    duration_s: float
    ok: int
    """Answers of 2xx and 3xx; the system has no 3xx."""
    failed: int
    """Other answers but refusals, answers too late, and connections that failed."""
    refused: int
    """Answers of 503 with Retry-After; 0 where they were not counted apart."""
    latency_p50_ms: float
    latency_p99_ms: float
    exhausted: bool
    """The file of bodies ended before the time did."""

    @property
    def ok_per_s(self) -> float:
        """Throughput."""
        return self.ok / self.duration_s


def command(program: Path, loop: Loop) -> list[str]:
    """The command line: one thread, which drives far more than one server process can answer."""
    longest_s = math.ceil(loop.seconds) + GRACE_S
    what = ["refusals" if loop.count_refusals else "plain", *([str(loop.bodies)] if loop.bodies else [])]
    return [
        str(program),
        "--threads=1",
        f"--connections={loop.connections}",
        f"--duration={longest_s}s",
        f"--timeout={longest_s}s",
        f"--script={SCRIPT}",
        loop.url,
        "--",
        *what,
    ]


def parse(output: str) -> LoopResult:
    """The result in what wrk printed.

    Raises:
        MeasurementError: there is none.
    """
    lines = [line for line in output.splitlines() if line.startswith("{")]
    try:
        found: Mapping[str, int] = json.loads(lines[-1])
        refused = found["refused"]
        trouble = ("connect", "read", "write", "timeout")
        return LoopResult(
            duration_s=found["duration_us"] / _US_PER_S,
            ok=found["answers"] - found["bad_status"],
            failed=found["bad_status"] - refused + sum(found[kind] for kind in trouble),
            refused=refused,
            latency_p50_ms=found["p50_us"] / _US_PER_MS,
            latency_p99_ms=found["p99_us"] / _US_PER_MS,
            exhausted=bool(found["exhausted"]),
        )
    except (IndexError, KeyError, ValueError):
        raise MeasurementError(f"wrk printed no result: {' '.join(output.split())[-LAST_WORDS:] or 'nothing'}") from None


class Wrk:
    """Runs closed loops with the wrk of this machine."""

    def __init__(self, tool: Tool, sleep: Callable[[float], None]) -> None:
        """``sleep`` may raise to end a loop early; no child is left then."""
        self._tool = tool
        self._sleep = sleep

    @property
    def generator(self) -> str:
        """Program and version."""
        return f"{self._tool.name} {self._tool.version}, closed loop"

    def run(self, loop: Loop) -> LoopResult:
        """Send for as long as ``loop`` says.

        Raises:
            MeasurementError: wrk failed or does not end.
        """
        # A session of its own keeps the terminal's Ctrl-C from it: that is how it is told to stop, when its time is over.
        child = subprocess.Popen(
            tied(command(self._tool.path, loop)),
            cwd=REPOSITORY,
            env={**os.environ, **self._tool.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            self._wait(child, LAUNCH_S + loop.seconds)
            child.send_signal(signal.SIGINT)
            output, _ = child.communicate(timeout=GRACE_S)
        except subprocess.TimeoutExpired:
            raise MeasurementError(f"wrk is still running {GRACE_S} s after its time was over") from None
        finally:
            child.kill()
            child.communicate()
        return parse(output)

    def _wait(self, child: subprocess.Popen[str], seconds: float) -> None:
        deadline_s = time.monotonic() + seconds
        while (left_s := deadline_s - time.monotonic()) > 0 and child.poll() is None:
            self._sleep(min(left_s, POLL_S))

"""The load generator as a child process: started, watched, stopped, and what it measured."""

from __future__ import annotations

import importlib.metadata
import os
import select
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from experiments.errors import ExperimentError
from experiments.records.schema import REQUEST_SCHEMA
from experiments.schedule import Schedule

READY: Final = b"ready\n"
"""What the child says when it has its schedule and everything that it needs to send it."""
READY_TIMEOUT_S: Final = 60.0
"""Importing Locust takes 1 s of processor time, which two cores that also run the system give it in 1 to 3 s (measured)."""
RESULT_TIMEOUT_S: Final = 30.0
WRITING_S: Final = 5.0
"""What the child has to write its file after SIGTERM."""
LOG_LINES: Final = 10

_REPOSITORY: Final = Path(__file__).resolve().parent.parent
_REAL_TIME: Final = os.SCHED_RR | os.SCHED_RESET_ON_FORK


class LoadError(ExperimentError):
    """The load generator failed, so there is no measurement."""


@dataclass(frozen=True)
class LoadResult:
    """What was sent in a trial, and how it ended."""

    requests: pa.Table
    """REQUEST_SCHEMA; fewer rows than ``offered`` if some could not be sent."""
    offered: int
    """Requests in the schedule."""


class LoadGenerator:
    """Sends one schedule. The child dies with this process, however that ends, and at the latest some time after its schedule."""

    def __init__(self, schedule: Schedule, gateway_url: str, folder: Path, *, history: Path, resends: int = 0) -> None:
        self._schedule = schedule
        self._gateway_url = gateway_url
        self._history = history
        self._resends = resends
        self._schedule_file = folder / "schedule.parquet"
        self._out_file = folder / "requests.parquet"
        self._log_file = folder / "load.log"
        self._child: subprocess.Popen[bytes] | None = None
        self._is_ready = False

    def launch(self) -> None:
        """Start the child, which then waits for :meth:`start`."""
        self._schedule.write(self._schedule_file)
        options = {
            "schedule": self._schedule_file,
            "out": self._out_file,
            "history": self._history,
            "resends": self._resends,
            "gateway": self._gateway_url,
        }
        command = [sys.executable, "-m", "experiments.workloads"]
        for name, value in options.items():
            command += [f"--{name}", str(value)]
        with self._log_file.open("wb") as log:
            # The end of its standard input tells the child that this process is gone. A session of its own keeps the terminal's
            # Ctrl-C from it, so that stop() decides.
            self._child = subprocess.Popen(
                command, cwd=_REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, bufsize=0, start_new_session=True
            )

    def await_ready(self) -> None:
        """Return when the child could send, with real-time priority if this process may give it; at once if it was asked before.

        Raises:
            LoadError: it fails, or takes too long.
        """
        child = self._launched()
        if self._is_ready:
            return
        if child.stdout is None or not select.select([child.stdout], [], [], READY_TIMEOUT_S)[0] or child.stdout.read(len(READY)) != READY:
            raise LoadError(f"the load generator does not get ready; {self._last_words()}")
        self._is_ready = True
        take_real_time_priority(child.pid)

    @property
    def pid(self) -> int:
        """The child's process id.

        Raises:
            LoadError: it was not launched.
        """
        return self._launched().pid

    def start(self, epoch_monotonic_s: float) -> None:
        """Let the schedule begin when ``time.monotonic()`` is ``epoch_monotonic_s``.

        What is due before the child is ready leaves late, which shows in the slip.
        """
        child = self._launched()
        if child.stdin is not None:
            with suppress(BrokenPipeError):  # it has ended; result() tells why
                child.stdin.write(f"{epoch_monotonic_s!r}\n".encode())

    def finished(self) -> bool:
        """Whether the child has ended, well or badly."""
        return self._child is not None and self._child.poll() is not None

    def result(self) -> LoadResult:
        """What was measured, as soon as the child has ended; call it when :meth:`finished`, or after :meth:`stop` for what there is.

        Raises:
            LoadError: the child failed, or does not end; with the last lines of its log.
        """
        try:
            status = self._launched().wait(RESULT_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise LoadError(f"the load generator is still running after {RESULT_TIMEOUT_S:g} s; {self._last_words()}") from None
        if status != 0 or not self._out_file.is_file():
            raise LoadError(f"the load generator ended with status {status}; {self._last_words()}")
        requests = pq.read_table(self._out_file).cast(REQUEST_SCHEMA)
        return LoadResult(requests=requests, offered=self._schedule.offered)

    def stop(self) -> None:
        """End the child if it still runs, and let it write what it has measured; may be called at any time and again."""
        child = self._child
        if child is None:
            return
        if child.poll() is None:
            child.terminate()
            with suppress(subprocess.TimeoutExpired):
                child.wait(WRITING_S)
            child.kill()  # it has no children of its own; does nothing where it has ended
        child.wait()
        for pipe in filter(None, (child.stdin, child.stdout)):
            pipe.close()

    def _launched(self) -> subprocess.Popen[bytes]:
        if self._child is None:
            raise LoadError("the load generator was not started")
        return self._child

    def _last_words(self) -> str:
        lines = self._log_file.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
        return f"its log {self._log_file} ends with:\n" + "\n".join(lines) if lines else f"its log {self._log_file} is empty"


def generator_name() -> str:
    """Program, version and priority of the generator, for the run's provenance; two runs that differ in it are not alike."""
    with ThreadPoolExecutor(1) as thread:  # the priority is a thread's own and ends with it
        is_real_time = thread.submit(take_real_time_priority, 0).result()
    priority = "real-time" if is_real_time else "normal"
    return f"locust {importlib.metadata.version('locust')} FastHttpUser, open loop, {priority} priority"


def take_real_time_priority(thread_id: int) -> bool:
    """Let a thread run before every normal one as soon as it has something to do; whether that is allowed (CAP_SYS_NICE or RLIMIT_RTPRIO).

    A generator that shares its processors with what it measures otherwise waits for its turn behind the system: at 200 requests/s, on two
    cores that were never idle, for 26 ms at the 99th percentile, where with real-time priority it is 0.9 ms (medians of five interleaved
    runs). A nice value does nothing against the system's processes, which are in scheduling groups of their own (see "The autogroup
    feature" in sched(7); 5.4 ms without and 6.8 ms with nice -10, where real-time priority gave 0.8 ms).

    Args:
        thread_id: of the kernel; 0 is the calling thread, and a process id is its main thread.
    """
    try:
        os.sched_setscheduler(thread_id, _REAL_TIME, os.sched_param(os.sched_get_priority_min(os.SCHED_RR)))
    except OSError:
        return False
    return True

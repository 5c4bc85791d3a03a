"""The load generator as a child process: started, watched, stopped, and what it measured."""

from __future__ import annotations

import importlib.metadata
import select
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from experiments.errors import ExperimentError
from experiments.records.schema import REQUEST_SCHEMA
from experiments.schedule import Schedule

GENERATOR: Final = f"locust {importlib.metadata.version('locust')} FastHttpUser, open loop"
READY: Final = b"ready\n"
"""What the child says when it has its schedule and everything that it needs to send it."""
READY_TIMEOUT_S: Final = 60.0
"""Importing Locust takes 1 s of processor time, which two cores that also run the system give it in 1 to 3 s (measured)."""
RESULT_TIMEOUT_S: Final = 30.0
WRITING_S: Final = 5.0
"""What the child has to write its file after SIGTERM."""
LOG_LINES: Final = 10

_REPOSITORY: Final = Path(__file__).resolve().parent.parent
_MS_PER_S: Final = 1000.0
_SLIP_PERCENTILE: Final = 99


class LoadError(ExperimentError):
    """The load generator failed, so there is no measurement."""


@dataclass(frozen=True)
class LoadResult:
    """What was sent in a trial, and how it ended."""

    requests: pa.Table
    """REQUEST_SCHEMA; fewer rows than ``offered`` if some could not be sent."""
    offered: int
    """Requests in the schedule."""
    slip_p99_ms: float
    """99th percentile of sent minus intended over all of the schedule; what was never sent is as late as the end of the load."""


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
        """Return when the child could send; at once if it was asked before.

        Raises:
            LoadError: it fails, or takes too long.
        """
        child = self._launched()
        if self._is_ready:
            return
        if child.stdout is None or not select.select([child.stdout], [], [], READY_TIMEOUT_S)[0] or child.stdout.read(len(READY)) != READY:
            raise LoadError(f"the load generator does not get ready; {self._last_words()}")
        self._is_ready = True

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
        return LoadResult(requests=requests, offered=self._schedule.offered, slip_p99_ms=slip_p99_ms(self._schedule, requests))

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


def slip_p99_ms(schedule: Schedule, requests: pa.Table) -> float:
    """The lateness of the 99th in a hundred intended requests, ms; 0 where none was intended."""
    if schedule.offered == 0:
        return 0.0
    slips_s = np.subtract(requests["sent_s"].to_numpy(), requests["intended_s"].to_numpy())
    if requests.num_rows < schedule.offered:
        intended_s = schedule.table["intended_s"]
        ended_s = max([*requests["ended_s"].to_pylist(), intended_s[-1].as_py()])
        unsent_s = intended_s.filter(pc.invert(pc.is_in(intended_s, requests["intended_s"]))).to_numpy()
        slips_s = np.concatenate([slips_s, ended_s - unsent_s])
    return float(np.percentile(slips_s, _SLIP_PERCENTILE)) * _MS_PER_S

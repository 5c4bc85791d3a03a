"""Reads a probe at given times of the trial, on a thread of its own, and keeps what it read."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from experiments.errors import ProbeError
from experiments.records.schema import SAMPLE_SCHEMA, PhaseRecord, ProbeRecord

MERGE_S = 0.1
"""A periodic reading this close to an exact one is left out."""
STOP_TIMEOUT_S = 10.0
"""Far above the network timeouts of every probe."""


@dataclass(frozen=True)
class Reading:
    """One value that a probe read."""

    node: str
    metric: str
    """A key of ``METRICS``."""
    value: float


class Probe(Protocol):
    """Something that can be read again and again."""

    @property
    def name(self) -> str:
        """What it watches, for messages: ``postgres``."""

    def read(self) -> Sequence[Reading]:
        """The values now.

        Raises:
            ProbeError: they can't be read at this moment.
        """

    def close(self) -> None:
        """Let go of connections and files."""


@dataclass(frozen=True)
class Sample:
    """A reading with its time, seconds since the trial's epoch."""

    at_s: float
    reading: Reading


@dataclass(frozen=True)
class Instant:
    """A time to read at, seconds since the trial's epoch."""

    at_s: float
    exact: bool
    """An edge of a phase: read even when late, because rates are differences between such readings."""


def instants(phases: Sequence[PhaseRecord], period_s: float) -> tuple[Instant, ...]:
    """When to read: at the edges of all phases, and every period between them."""
    edges = sorted({edge for phase in phases for edge in (phase.start_s, phase.end_s)})
    end_s = edges[-1]
    periodic = [number * period_s for number in range(int(end_s / period_s) + 1)]
    between = [at_s for at_s in periodic if min(abs(at_s - edge) for edge in edges) >= MERGE_S]
    every = [Instant(at_s, exact=True) for at_s in edges] + [Instant(at_s, exact=False) for at_s in between]
    return tuple(sorted(every, key=lambda instant: instant.at_s))


class Sampler:
    """One probe's thread during one trial."""

    def __init__(self, probe: Probe, times: Sequence[Instant], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._probe = probe
        self._times = times
        self._clock = clock
        self._stop = threading.Event()
        self._samples: list[Sample] = []
        self._readings = 0
        self._failed_at_s: list[float] = []
        self._reason: str | None = None
        self._epoch_s = 0.0
        self._thread = threading.Thread(target=self._run, name=f"probe-{probe.name}", daemon=True)

    def start(self, epoch_s: float) -> None:
        """Begin to wait for the times; ``epoch_s`` is the trial's epoch on the monotonic clock."""
        self._epoch_s = epoch_s
        self._thread.start()

    def stop(self) -> None:
        """Take no further reading and close the probe; idempotent."""
        self._stop.set()
        if self._thread.ident is None:
            self._probe.close()
        else:
            self._thread.join(STOP_TIMEOUT_S)

    def finish(self) -> None:
        """Wait for the last reading, which follows the end of the load at once, and close the probe."""
        self._thread.join(STOP_TIMEOUT_S)
        self.stop()

    def samples(self) -> tuple[Sample, ...]:
        """What was read, in the order of time."""
        return tuple(self._samples)

    def problem(self) -> str | None:
        """Why the probe can't be believed: it never gave a reading. None if it did."""
        if self._readings:
            return None
        return f"the {self._probe.name} probe has no reading: {self._reason or 'it was not read in time'}"

    def record(self) -> ProbeRecord:
        """How well the probe could read."""
        return ProbeRecord(
            name=self._probe.name,
            readings=self._readings,
            failed=len(self._failed_at_s),
            reason=self._reason,
            failed_at_s=tuple(self._failed_at_s),
        )

    def _run(self) -> None:
        try:
            for at, instant in enumerate(self._times):
                if self._stop.wait(max(0.0, instant.at_s - self._now_s())):
                    return
                overtaken = at + 1 < len(self._times) and self._now_s() >= self._times[at + 1].at_s
                if instant.exact or not overtaken:
                    self._read()
        finally:
            self._probe.close()

    def _read(self) -> None:
        before_s = self._now_s()
        try:
            readings = self._probe.read()
        except ProbeError as error:
            self._failed_at_s.append(before_s)
            self._reason = str(error)
            return
        self._readings += 1
        at_s = (before_s + self._now_s()) / 2
        own = Reading(node=f"probe-{self._probe.name}", metric="probe_cpu_seconds", value=time.thread_time())
        self._samples += [Sample(at_s, reading) for reading in (*readings, own)]

    def _now_s(self) -> float:
        return self._clock() - self._epoch_s


def table(samples: Sequence[Sample]) -> pa.Table:
    """Samples of all probes as the rows of samples.parquet."""
    rows = sorted(samples, key=lambda sample: sample.at_s)
    columns = {
        "at_s": [row.at_s for row in rows],
        "node": [row.reading.node for row in rows],
        "metric": [row.reading.metric for row in rows],
        "value": [row.reading.value for row in rows],
    }
    return pa.table(columns, schema=SAMPLE_SCHEMA)

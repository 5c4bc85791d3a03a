"""What stands in a run directory: columns, units and the JSON records, as frozen typed values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

import pyarrow as pa
from pydantic import Field

from experiments.definition import AnyFault, Experiment, Phase, Value
from infra.topology import Topology

FORMAT_VERSION: Final = 3
"""What is written. Version 1 had no histories, and its invariants neither counts nor witnesses; version 2 had no manifest, no rules of
validity and no word of the machine and the instrument. Both are still read."""
READABLE_VERSIONS: Final = (1, 2, 3)


class Outcome(StrEnum):
    """How a request ended for its client."""

    OK = "ok"
    """An answer of the documented kind: 2xx, or a 4xx that the contract foresees for this request (409 already enrolled)."""
    HTTP_ERROR = "http_error"
    """Any other answer."""
    TIMEOUT = "timeout"
    """No answer in time; for a write it is unknown whether it took effect."""
    CONNECTION_ERROR = "connection_error"
    """Refused, reset or closed before an answer."""


REQUEST_SCHEMA = pa.schema(
    [
        pa.field("intended_s", pa.float64(), nullable=False, metadata={"doc": "when the schedule wanted it sent"}),
        pa.field("sent_s", pa.float64(), nullable=False, metadata={"doc": "when it was sent; later than intended = the generator's slip"}),
        pa.field("ended_s", pa.float64(), nullable=False, metadata={"doc": "when its last byte was read, or it failed"}),
        pa.field("phase", pa.string(), nullable=False, metadata={"doc": "Phase of the intended time"}),
        pa.field("operation", pa.string(), nullable=False, metadata={"doc": "Operation"}),
        pa.field("outcome", pa.string(), nullable=False, metadata={"doc": "Outcome"}),
        pa.field("status", pa.int16(), nullable=True, metadata={"doc": "HTTP status; null where there was no answer"}),
        pa.field("replica", pa.string(), nullable=True, metadata={"doc": "node that answered (X-Replica); null where none did"}),
        pa.field("cache", pa.string(), nullable=True, metadata={"doc": "hit, miss or off (X-Cache); null where not said"}),
        pa.field("enrollment_id", pa.string(), nullable=True, metadata={"doc": "id that a 202 gave back; null for other operations"}),
    ]
)
"""Columns of requests.parquet, sorted by intended_s."""

SAMPLE_SCHEMA = pa.schema(
    [
        pa.field("at_s", pa.float64(), nullable=False, metadata={"doc": "when it was read"}),
        pa.field("node", pa.string(), nullable=False, metadata={"doc": "node that it is about"}),
        pa.field("metric", pa.string(), nullable=False, metadata={"doc": "a key of METRICS"}),
        pa.field("value", pa.float64(), nullable=False, metadata={"doc": "in the unit of METRICS; counters as they stood"}),
    ]
)
"""Columns of samples.parquet, sorted by at_s."""


@dataclass(frozen=True)
class MetricSpec:
    """What one probe metric means."""

    unit: str
    kind: Literal["gauge", "counter"]
    """counter: only grows, but starts anew when its node does; take differences."""
    doc: str


METRICS: dict[str, MetricSpec] = {
    "cpu_seconds": MetricSpec("s", "counter", "user and system time of the node's process tree"),
    "memory_bytes": MetricSpec("B", "gauge", "resident memory of the node's process tree"),
    "sql_statements": MetricSpec("1", "counter", "SELECT, INSERT, UPDATE, DELETE calls by the service's role (pg_stat_statements)"),
    "transactions": MetricSpec("1", "counter", "transactions committed or rolled back in the service's database"),
    "cache_hits": MetricSpec("1", "counter", "keyspace hits at Redis"),
    "cache_misses": MetricSpec("1", "counter", "keyspace misses at Redis"),
    "queue_messages": MetricSpec("1", "gauge", "messages ready or unacknowledged in the enrolment queue"),
    "upstream_requests": MetricSpec("1", "counter", "deliveries that NGINX made to the node, retries included"),
    "upstream_failures": MetricSpec("1", "counter", "deliveries that NGINX gave up on (refused, timed out, 502, 503, 504)"),
    "upstream_gave_up_at": MetricSpec("s", "gauge", "Unix time of the first delivery that NGINX gave up on since the last reading"),
    "ready": MetricSpec("1", "gauge", "1 while the replica says that it is ready, 0 while it says no or nothing"),
    "cache_available": MetricSpec("1", "gauge", "0 while the replica's circuit breaker to the cache is open, else 1"),
    "peers_available": MetricSpec("1", "gauge", "0 while the replica's circuit breaker to another service is open, else 1"),
    "broker_connected": MetricSpec("1", "gauge", "1 while the replica's relay has a connection to the broker, else 0"),
    "outbox_tasks": MetricSpec("1", "gauge", "tasks in the outbox whose effect is not stored, sent or not; as each replica counts them"),
    "queue_consumers": MetricSpec("1", "gauge", "consumers of all queues, as RabbitMQ counts them"),
    "probe_cpu_seconds": MetricSpec("s", "counter", "processor time that the probe itself used; its node is probe-<name>"),
    "instrument_cpu_seconds": MetricSpec("s", "counter", "processor time of a part of the lab itself; its node is generator or lab"),
    "load_average": MetricSpec("1", "gauge", "tasks that run or want to, over the last minute; its node is machine"),
    "machine_busy_seconds": MetricSpec("s", "counter", "processor time that all programs of the machine used; its node is machine"),
    "steal_seconds": MetricSpec("s", "counter", "processor time that the hypervisor gave to others; its node is machine"),
    "cpu_pressure_seconds": MetricSpec("s", "counter", "time in which some task waited for a processor (PSI some); its node is machine"),
}


class FaultRecord(Value):
    """A fault as planned and as it went; seconds since the trial's epoch."""

    planned: AnyFault
    targets: tuple[str, ...] = ()
    """The nodes or links that it struck; empty in runs from before a fault could strike several."""
    injected_s: float | None
    """When it was carried out; None: it never was."""
    proven_s: float | None = None
    """When an independent look had seen that it took effect."""
    proof: str | None
    """What that look saw; None: no proof, the trial is invalid."""
    healed_s: float | None
    """When the heal was begun."""
    ready_s: float | None
    """When its targets were seen to be in good health again."""


class PhaseRecord(Value):
    """Where a phase lies, seconds since the trial's epoch."""

    phase: Phase
    start_s: float
    end_s: float


class WitnessEvent(Value):
    """One event of those that prove a violation."""

    at_s: float
    who: str
    """The process that did it, or what was looked at."""
    what: str


class InvariantRecord(Value):
    """The verdict of one invariant over one trial."""

    name: str
    verdict: Literal["pass", "fail", "unknown"]
    detail: str
    """What was checked and how many; for a failure what is wrong, for unknown the reason."""
    evidence: dict[str, int] = Field(default_factory=dict)
    """What there was to check, by kind; all zero: nothing, so that the verdict is unknown. Empty: the checker doesn't count."""
    witness: tuple[WitnessEvent, ...] = ()
    """The few events that prove a failure, by time."""

    @property
    def is_vacuous(self) -> bool:
        """It is unknown only because the trial had nothing that it could be checked on."""
        return self.verdict == "unknown" and bool(self.evidence) and not any(self.evidence.values())


class ClockRecord(Value):
    """The wall clock against the monotonic one at both ends of a trial: the Unix time of the trial's epoch, as each end has it."""

    epoch_at_start_unix_s: float
    epoch_at_end_unix_s: float

    @property
    def step_ms(self) -> float:
        """How far the wall clock was set between the two, ms."""
        return (self.epoch_at_end_unix_s - self.epoch_at_start_unix_s) * 1000


class ProbeRecord(Value):
    """How well one probe could read."""

    name: str
    readings: int
    """Readings that were taken."""
    failed: int
    """Readings that could not be taken; nothing is recorded for them."""
    reason: str | None = None
    """Why the last one of them failed."""
    failed_at_s: tuple[float, ...] = ()
    """When each of them failed, seconds since the trial's epoch."""


class ValidityRules(Value):
    """What decides whether a trial counts; it stands in run.json, and reports apply it to the data again (see records.validity)."""

    slip_floor_ms: float = Field(2.0, gt=0, description="lateness of the generator, p99 of the measure phase, that is always allowed")
    slip_share: float = Field(0.5, ge=0, le=1, description="lateness that is allowed as a share of the service time's p99, if that is more")
    slip_ceiling_ms: float = Field(20.0, gt=0, description="lateness that the service time can't allow, because a fault makes it seconds")
    longest_slip_ms: float = Field(100.0, gt=0, description="lateness of any request that a claim about the slowest request can stand")
    clock_step_ms: float = Field(20.0, gt=0, description="step of the wall clock against the monotonic one that a trial may have")


class TrialRecord(Value):
    """One trial: one treatment, measured once."""

    trial_id: str
    """``<position>-b<block>-<treatment>``, with ``-again<n>`` for a repeat; also the folder's name."""
    run_id: str | None = None
    """The run that it belongs to; None in runs from before it was noted."""
    position: int
    """Place in the plan, from 0, in which planned trials are run; repeats, each run at the end of its block, are numbered on from there."""
    attempt: int = 1
    """1; more for a repeat of a trial that was invalid."""
    bring_up: int = 0
    """Which of the run's deployments it was measured on, from 0."""
    block: int
    treatment: str
    seed: int
    """Seed of this trial's schedule; the same for all treatments of a block, so that they get the same load."""
    epoch_unix_s: float
    phases: tuple[PhaseRecord, ...]
    topology: Topology
    faults: tuple[FaultRecord, ...]
    offered: int
    """Requests in the schedule."""
    slip_p99_ms: float
    """99th percentile of sent minus intended in the measure phase: the load generator's own lateness."""
    clock: ClockRecord | None = None
    """None in runs from before it was noted."""
    probes: tuple[ProbeRecord, ...] = ()
    """Empty in runs from before they were noted."""
    reset: tuple[str, ...] = ()
    """What was reset before it, in words: the same for every trial of a run."""
    valid: bool
    reasons: tuple[str, ...]
    """Why it is invalid; empty if valid."""
    invariants: tuple[InvariantRecord, ...]


class CourseState(Value):
    """A course after the trial, when nothing was pending any more."""

    course_id: int
    capacity: int
    taken: int
    """Seats taken, as the courses service has it."""
    enrolled: int
    """Enrolments in state enrolled, as the enrollment service has it."""


class StateRecord(Value):
    """The final read of the business state, through the API."""

    settled: bool
    """Nothing was pending any more when it was read."""
    settled_at_s: float | None = None
    """When that was first seen, or given up, seconds since the trial's epoch; None: not noted, as in runs from before it was."""
    courses: tuple[CourseState, ...]
    """The courses that anybody asked to be enrolled in."""
    outcomes: dict[str, int]
    """Requests accepted in this trial by state: pending, enrolled, rejected, dropped, missing."""
    rejections: dict[str, int]
    """Rejected ones by reason."""


class ServerVersion(Value):
    """One server program of the system under test."""

    name: str
    version: str


class Provenance(Value):
    """Where and with what a run was made: what must agree before two runs may be compared."""

    target: str
    engine: str
    cpu_model: str
    cpu_count: int
    memory_bytes: int
    kernel: str
    operating_system: str
    python: str
    packages: dict[str, str]
    servers: tuple[ServerVersion, ...]
    git_commit: str | None
    git_dirty: bool | None
    load_generator: str
    """Program and version that sent the load."""


class PlannedTrial(Value):
    """One line of the plan."""

    position: int
    block: int
    treatment: str
    seed: int
    bring_up: int = 0
    """Which of the run's deployments it is measured on, from 0."""
    attempt: int = 1
    """1; more for a repeat of a trial that was invalid, which run.json doesn't plan."""

    @property
    def trial_id(self) -> str:
        """Name of its folder."""
        again = f"-again{self.attempt - 1}" if self.attempt > 1 else ""
        return f"{self.position:03d}-b{self.block}-{self.treatment}{again}"


class RunHead(Value):
    """What is known of every run, whatever kind of experiment it was."""

    format_version: Literal[1, 2, 3] = FORMAT_VERSION
    run_id: str
    command: str
    """What a person types to do it again."""
    started_at: datetime
    finished_at: datetime | None = None
    status: Literal["running", "finished", "interrupted", "failed"] = "running"
    reason: str | None = Field(None, description="why it was interrupted or failed")
    provenance: Provenance


class RunRecord(RunHead):
    """A run of an open-loop experiment: all its trials. Runs from before there was another kind don't say theirs."""

    kind: Literal["trials"] = "trials"
    experiment: Experiment
    plan: tuple[PlannedTrial, ...]
    rules: ValidityRules | None = None
    """None in runs from before they were noted."""

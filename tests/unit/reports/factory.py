"""Run directories with known answers: written by the recorder's own writers, without any server."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from experiments.definition import (
    Arrivals,
    Claim,
    Experiment,
    Operation,
    Phase,
    Phases,
    Treatment,
    node_names,
)
from experiments.records.files import Trial, write_run, write_trial
from experiments.records.schema import (
    REQUEST_SCHEMA,
    SAMPLE_SCHEMA,
    CourseState,
    FaultRecord,
    InvariantRecord,
    PhaseRecord,
    PlannedTrial,
    Provenance,
    RunRecord,
    ServerVersion,
    StateRecord,
    TrialRecord,
)
from experiments.records.validity import RequestTimes, slip_p99_ms
from infra.topology import Topology
from reports.loading import RunData, TrialData, load
from reports.measurements import CapacityData

PROBE_PERIOD_S = 0.5
PROVENANCE = Provenance(
    target="process",
    engine="embedded",
    cpu_model="Example CPU <2 GHz>",
    cpu_count=2,
    memory_bytes=4 * 2**30,
    kernel="6.1.0-13-amd64",
    operating_system="Debian GNU/Linux 12 (bookworm)",
    python="3.11.2",
    packages={"fastapi": "0.121.0", "sqlmodel": "0.0.27"},
    servers=(ServerVersion(name="postgresql", version="15.14"), ServerVersion(name="nginx", version="1.22.1")),
    git_commit="0123456789abcdef0123456789abcdef01234567",
    git_dirty=False,
    load_generator="locust 2.47.0 FastHttpUser, open loop",
)
PASSED = (
    InvariantRecord(name="no_loss", verdict="pass", detail="120 of 120"),
    InvariantRecord(name="no_ghosts", verdict="pass", detail="0"),
)


@dataclass(frozen=True)
class Request:
    """One request as a test wants it."""

    intended_s: float
    response_ms: float
    outcome: str = "ok"
    operation: Operation = Operation.READ_COURSE
    slip_ms: float = 0.0
    replica: str | None = "courses-1"
    cache: str | None = None


@dataclass(frozen=True)
class TrialSpec:
    """One trial as a test wants it; what is not said is dull."""

    requests: Sequence[Request]
    counters: Mapping[tuple[str, str], Callable[[float], float]] = field(default_factory=dict)
    """(node, metric) to the value at a time, of counters and gauges alike."""
    faults: tuple[FaultRecord, ...] = ()
    valid: bool = True
    reasons: tuple[str, ...] = ()
    invariants: tuple[InvariantRecord, ...] = PASSED
    reset: tuple[str, ...] = ()
    unrecorded: int = 0
    """Scheduled requests that the load generator never recorded."""


def steady(
    *, rate_per_s: float, duration_s: float, response_ms: Callable[[int, float], float] = lambda _number, _at_s: 10.0
) -> list[Request]:
    """Reads at equal distances; the response time by number and time."""
    times = [number / rate_per_s for number in range(round(rate_per_s * duration_s))]
    return [Request(at_s, response_ms(number, at_s)) for number, at_s in enumerate(times)]


def experiment(
    *,
    treatments: Sequence[Treatment],
    claims: Sequence[Claim] = (),
    phases: Phases | None = None,
    trials: int = 5,
    rate_per_s: float = 250,
    replicas: int = 1,
    name: str = "sample",
    topology: Topology | None = None,
    bring_ups: int = 1,
) -> Experiment:
    """A small experiment of reads."""
    return Experiment(
        name=name,
        title="A sample & its <title>",
        question="Is what comes out what was put in?",
        topology=topology or Topology().override({"courses.replicas": replicas}),
        treatments=tuple(treatments),
        mix={Operation.READ_COURSE: 3, Operation.READ_STUDENT: 1},
        arrivals=Arrivals(process="constant", rate_per_s=rate_per_s),
        phases=phases or Phases(warm_up_s=2, measure_s=8),
        claims=tuple(claims),
        trials=trials,
        bring_ups=bring_ups,
        seed=7,
    )


def write(
    runs_dir: Path,
    asked: Experiment,
    trials: Mapping[tuple[int, str], TrialSpec],
    *,
    run_id: str = "20261122T120000Z-sample",
    changes: Mapping[str, object] | None = None,
    repeats: Mapping[tuple[int, str], TrialSpec] | None = None,
) -> Path:
    """Write a run whose trials are given by block and treatment; planned ones that are not given were never finished.

    ``repeats`` are second attempts.
    """
    names = [treatment.name for treatment in asked.treatments]
    pairs = [(block, name) for block in range(asked.trials) for name in (names if block % 2 == 0 else names[::-1])]
    plan = tuple(
        PlannedTrial(position=at, block=block, treatment=name, seed=100 + block, bring_up=block * asked.bring_ups // asked.trials)
        for at, (block, name) in enumerate(pairs)
    )
    record = RunRecord(
        run_id=run_id,
        experiment=asked,
        plan=plan,
        command=f"nox -s bench -- {asked.name} --trials {asked.trials} --seed {asked.seed}",
        started_at=datetime(2026, 11, 22, 12, tzinfo=UTC),
        finished_at=datetime(2026, 11, 22, 12, 3, 20, tzinfo=UTC),
        status="finished",
        provenance=PROVENANCE,
    )
    path = runs_dir / run_id
    write_run(path, record.model_copy(update=dict(changes or {})))
    for planned in plan:
        if (planned.block, planned.treatment) in trials:
            write_trial(path, make_trial(asked, planned, trials[planned.block, planned.treatment], run_id=run_id))
    by_pair = {(planned.block, planned.treatment): planned for planned in plan}
    for number, (pair, spec) in enumerate((repeats or {}).items()):
        again = by_pair[pair].model_copy(update={"position": len(plan) + number, "attempt": 2})
        write_trial(path, make_trial(asked, again, spec, run_id=run_id))
    return path


def make_trial(asked: Experiment, planned: PlannedTrial, spec: TrialSpec, *, run_id: str) -> Trial:
    """A trial as the runner would have recorded it."""
    phases = _phases(asked.phases)
    requests = _request_table(spec.requests, phases)
    return Trial(
        record=TrialRecord(
            trial_id=planned.trial_id,
            run_id=run_id,
            position=planned.position,
            attempt=planned.attempt,
            bring_up=planned.bring_up,
            reset=spec.reset,
            block=planned.block,
            treatment=planned.treatment,
            seed=planned.seed,
            epoch_unix_s=1_763_812_800.0 + 20 * planned.position,
            phases=phases,
            topology=asked.topology_of(asked.treatment(planned.treatment)),
            faults=spec.faults,
            offered=len(spec.requests) + spec.unrecorded,
            slip_p99_ms=slip_p99_ms(phases, RequestTimes.of(requests)),
            valid=spec.valid,
            reasons=spec.reasons or (() if spec.valid else ("settle: the databases were away",)),
            invariants=spec.invariants,
        ),
        state=StateRecord(
            settled=True,
            courses=(CourseState(course_id=1, capacity=60, taken=40, enrolled=40),),
            outcomes={"enrolled": 40, "rejected": 2},
            rejections={"prerequisites_missing": 2},
        ),
        requests=requests,
        samples=_sample_table(spec.counters, asked.phases.total_s),
    )


def trial_data(tmp_path: Path, spec: TrialSpec, *, phases: Phases | None = None, treatment: Treatment | None = None) -> TrialData:
    """One trial, written and loaded again."""
    one = treatment or Treatment(name="plain", title="plain")
    asked = experiment(treatments=(one,), phases=phases, trials=1)
    return load_trials(write(tmp_path / "runs", asked, {(0, one.name): spec})).trials[0]


def load_trials(path: Path) -> RunData:
    """An open-loop run."""
    run = load(path)
    assert isinstance(run, RunData)
    return run


def load_capacity(path: Path) -> CapacityData:
    """A capacity run."""
    run = load(path)
    assert isinstance(run, CapacityData)
    return run


def _phases(phases: Phases) -> tuple[PhaseRecord, ...]:
    edges = np.cumsum([0.0, phases.warm_up_s, phases.measure_s, phases.cool_down_s])
    found = [PhaseRecord(phase=phase, start_s=edges[at], end_s=edges[at + 1]) for at, phase in enumerate(Phase)]
    return tuple(record for record in found if record.end_s > record.start_s)


def _request_table(requests: Sequence[Request], phases: Sequence[PhaseRecord]) -> pa.Table:
    def phase_of(at_s: float) -> str:
        return next((record.phase for record in phases if record.start_s <= at_s < record.end_s), phases[-1].phase).value

    rows = [
        {
            "intended_s": request.intended_s,
            "sent_s": request.intended_s + request.slip_ms / 1000,
            "ended_s": request.intended_s + request.response_ms / 1000,
            "phase": phase_of(request.intended_s),
            "operation": request.operation.value,
            "outcome": request.outcome,
            "status": 200 if request.outcome == "ok" else 502 if request.outcome == "http_error" else None,
            "replica": request.replica if request.outcome == "ok" else None,
            "cache": request.cache,
            "enrollment_id": None,
        }
        for request in sorted(requests, key=lambda request: request.intended_s)
    ]
    return pa.Table.from_pylist(rows, schema=REQUEST_SCHEMA)


def _sample_table(counters: Mapping[tuple[str, str], Callable[[float], float]], end_s: float) -> pa.Table:
    times = [number * PROBE_PERIOD_S + 0.003 for number in range(round(end_s / PROBE_PERIOD_S) + 1)]
    rows = [
        {"at_s": at_s, "node": node, "metric": metric, "value": value(at_s)} for at_s in times for (node, metric), value in counters.items()
    ]
    return pa.Table.from_pylist(rows, schema=SAMPLE_SCHEMA)


def counters_of(topology: Topology, *, sql_per_s: float, cpu_s_per_s: float = 0.05) -> dict[tuple[str, str], Callable[[float], float]]:
    """What the probes would see of a quiet system: every node's processor time and memory, and SQL at the courses' database."""
    found: dict[tuple[str, str], Callable[[float], float]] = {}
    for node in sorted(node_names(topology)):
        found[node, "cpu_seconds"] = lambda at_s: 3 + cpu_s_per_s * at_s
        found[node, "memory_bytes"] = lambda _at_s: 50 * 2.0**20
        if node.endswith("-db"):
            rate = sql_per_s if node == "courses-db" else 0.0
            found[node, "sql_statements"] = lambda at_s, rate=rate: 1000 + rate * at_s  # type: ignore[misc]
    return found

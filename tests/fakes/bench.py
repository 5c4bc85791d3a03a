"""A deployment, a load generator and an inspection without any server, which remember what was asked of them."""

from __future__ import annotations

import os
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pyarrow as pa
from pydantic import SecretStr

from experiments.capacity.result import Result
from experiments.definition import CapacityExperiment, Dataset, Experiment, Fault, LinkFault, Operation, Phase, Phases, Treatment
from experiments.errors import ExperimentError
from experiments.probes.nginx import Log
from experiments.probes.sampler import Probe, Reading
from experiments.records.capacity import PlannedMeasurement
from experiments.records.history import Completion, CourseRow, EnrollmentRow, Event, Invoke, Mark
from experiments.records.journal import Journal
from experiments.records.schema import REQUEST_SCHEMA, PlannedTrial
from experiments.runner.interfaces import Note, Outside
from experiments.runner.looks import After, Asked, Before, Clock
from infra.deployment import Credentials, Deployment, Endpoints, Node, Role
from infra.topology import Topology

CRASHING = Treatment(name="crash", title="a crash", faults=(Fault(node="courses-1", at_s=0.01, duration_s=0.02),))
CALM = Treatment(name="calm", title="no fault")


def tiny(**changes: object) -> Experiment:
    """An experiment of two treatments whose trials last a twentieth of a second."""
    values: dict[str, object] = {
        "name": "tiny",
        "title": "Tiny",
        "question": "Does it run?",
        "treatments": (CALM, CRASHING),
        "mix": {Operation.ENROLL: 1},
        "phases": Phases(warm_up_s=0, measure_s=0.05),
        "trials": 2,
    }
    return Experiment.model_validate(values | changes)


def deployment(topology: Topology) -> Deployment:
    """A deployment on paper."""
    return Deployment(
        name="bench",
        target="process",
        engine="fake",
        topology=topology,
        endpoints=Endpoints(gateway_url="http://127.0.0.1:1", management_url="http://127.0.0.1:2"),
        nodes=(
            *(
                Node(name=f"courses-{number}", role=Role.SERVICE, group="courses", port=None, log_path="")
                for number in range(1, topology.courses.replicas + 1)
            ),
            Node(name="worker-1", role=Role.WORKER, group="worker", port=None, log_path=""),
            Node(name="courses-db", role=Role.DATABASE, group="courses", port=None, log_path=""),
        ),
        credentials=Credentials(
            database_dsns={}, cache_url=None, broker_management_url=SecretStr("http://127.0.0.1:2"), broker_vhost="spire"
        ),
        gateway_access_log="",
    )


@dataclass
class FakePlatform:
    """Remembers each call in ``events``; kills no process, for there is none."""

    events: list[str]
    fail_up: Exception | None = None
    births: Counter[str] = field(default_factory=Counter)
    """How often each node was started by a change of the deployment that it had survived by name."""
    _up: Deployment | None = None

    def up(self, topology: Topology, note: Note) -> Deployment:
        """A deployment on paper, or the failure asked for."""
        note("bringing up")
        self.events.append("up")
        if self.fail_up is not None:
            raise self.fail_up
        if self._up is not None and self._up.topology.cache != topology.cache:  # it is in the environment of every replica
            self.births.update(node.name for node in self._up.nodes)
        self._up = deployment(topology)
        return self._up

    def current(self) -> Deployment:
        """The deployment that was brought up last."""
        assert self._up is not None
        return self._up

    def down(self, note: Note) -> None:
        """Nothing to remove."""
        note("taking down")
        self.events.append("down")
        self._up = None

    def heal(self, note: Note) -> None:
        """Nothing was left broken."""
        note("healing")
        self.events.append("heal")

    def control(self) -> FakeControl:
        """Remembers in the same list."""
        return FakeControl(self.events)

    def journal(self) -> MemoryJournal:
        """Of its own each time."""
        return MemoryJournal()

    def processes(self, node: str) -> Sequence[psutil.Process]:
        """One process that is not there any more."""
        return [GoneProcess(self.births[node])]

    def access_log(self) -> Log:
        """Nothing is written to it."""
        return SilentLog()

    def server_versions(self, deployment: Deployment) -> Mapping[str, str]:
        """One server."""
        del deployment
        return {"postgresql": "15.0"}


@dataclass(frozen=True)
class FakeControl:
    """Remembers each call in ``events``; every node is a process that has ended, and is ready."""

    events: list[str]

    def processes(self, node: str) -> Sequence[psutil.Process]:
        """One process that is not there any more."""
        del node
        return [GoneProcess()]

    def unmet(self, node: str) -> str:
        """Nothing."""
        del node
        return ""

    def kill_node(self, node: str) -> None:
        """Ends what :meth:`processes` gave."""
        self.events.append(f"kill {node}")

    def stop_node(self, node: str) -> None:
        """It ends at once."""
        self.events.append(f"stop {node}")

    def launch_node(self, node: str) -> None:
        """It is there at once."""
        self.events.append(f"launch {node}")

    def start_node(self, node: str) -> None:
        """It is ready at once."""
        self.events.append(f"start {node}")

    def pause_node(self, node: str) -> None:
        """It stands still at once."""
        self.events.append(f"pause {node}")

    def resume_node(self, node: str) -> None:
        """It goes on at once."""
        self.events.append(f"resume {node}")

    def reload_node(self, node: str) -> None:
        """It has a new configuration at once."""
        self.events.append(f"reload {node}")

    def limit_file_size(self, node: str, limit_bytes: int | None) -> None:
        """It is limited at once."""
        self.events.append(f"limit {node} to {limit_bytes}")

    def rabbitmqctl(self, node: str, *arguments: str) -> str:
        """It answers nothing."""
        self.events.append(f"rabbitmqctl of {node}: {' '.join(arguments)}")
        return ""


class MemoryJournal:
    """A journal that goes with the process."""

    def __init__(self) -> None:
        self.entries: dict[str, tuple[Fault | LinkFault, tuple[str, ...]]] = {}

    def enter(self, fault: Fault | LinkFault, targets: tuple[str, ...]) -> str:
        """Keep it."""
        key = str(len(self.entries))
        self.entries[key] = (fault, targets)
        return key

    def remove(self, key: str) -> None:
        """Forget it."""
        self.entries.pop(key, None)


class SilentLog:
    """A log that does not grow."""

    def new_lines(self) -> list[bytes]:
        """None."""
        return []


class GoneProcess(psutil.Process):
    """A process that has ended; another one with another number."""

    def __init__(self, number: int = 0) -> None:
        super().__init__()
        self._number = number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GoneProcess) and self._number == other._number

    def __hash__(self) -> int:
        return self._number

    def is_running(self) -> bool:
        """It does not."""
        return False


@dataclass(frozen=True)
class FakeLoadResult:
    """What a generator would have recorded."""

    requests: pa.Table
    offered: int
    name: str = field(default_factory=lambda: uuid.uuid4().hex)

    def key(self, number: int) -> str:
        """The Idempotency-Key of the request of that number."""
        return f"{self.name}-{number}"

    def history(self) -> list[Event]:
        """The same as operations of its history; each request has the student of its number, course 1 and a key of its own."""
        events: list[Event] = []
        for number, row in enumerate(self.requests.to_pylist()):
            about = {"process": number, "f": Operation.ENROLL}
            asked = {"student": number, "course": 1, "key": self.key(number)}
            ended = {"type": "ok" if row["enrollment_id"] else "unknown", "enrollment": row["enrollment_id"]}
            events.append(Invoke.model_validate({**about, **asked, "at_s": row["sent_s"]}))
            events.append(Completion.model_validate({**about, **ended, "at_s": row["ended_s"]}))
        return events


@dataclass
class FakeLoad:
    """Is finished at the third look, or when as many nodes were healed as faults were planned so far."""

    events: list[str]
    outcome: FakeLoadResult | Exception
    history: Path
    healings: int = 0
    looks: int = 2
    on_look: Callable[[], None] = lambda: None

    def launch(self) -> None:
        """Nothing takes time."""

    def await_ready(self) -> None:
        """It is."""

    @property
    def pid(self) -> int:
        """This process, which is there."""
        return os.getpid()

    def start(self, epoch_monotonic_s: float) -> None:
        """Begins."""
        del epoch_monotonic_s
        self.events.append("load start")
        if isinstance(self.outcome, FakeLoadResult):
            with Journal(self.history) as journal:
                journal.append(*self.outcome.history())

    def finished(self) -> bool:
        """True after a few looks, and no fault left to happen."""
        self.on_look()
        self.looks -= 1
        return self.looks < 0 and sum(event.startswith("launch ") for event in self.events) >= self.healings

    def result(self) -> FakeLoadResult:
        """What it was made with."""
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    def stop(self) -> None:
        """Ends."""
        self.events.append("load stop")


def enrolments(count: int, *, outcome: str = "ok") -> FakeLoadResult:
    """That many enrolment requests, each answered with an id of its own if ``outcome`` is ok."""
    rows = [
        {
            "intended_s": number / 1000,
            "sent_s": number / 1000,
            "ended_s": number / 1000 + 0.01,
            "phase": str(Phase.MEASURE),
            "operation": str(Operation.ENROLL),
            "outcome": outcome,
            "status": 202 if outcome == "ok" else None,
            "replica": "enrollment-1",
            "cache": None,
            "enrollment_id": f"id-{number}" if outcome == "ok" else None,
        }
        for number in range(count)
    ]
    return FakeLoadResult(requests=pa.Table.from_pylist(rows, schema=REQUEST_SCHEMA), offered=count)


@dataclass
class FakeLoadSide:
    """Makes fake loads."""

    events: list[str]
    make: Callable[[], FakeLoadResult | Exception] = lambda: enrolments(3)
    on_look: Callable[[], None] = lambda: None
    generator: str = "fake 1.0"
    portions: list[int] = field(default_factory=list)
    _healings: int = 0

    def seed(self, gateway_url: str, dataset: Dataset, seed: int, note: Note) -> str:
        """A population that is a word."""
        del gateway_url, dataset, seed
        note("seeding")
        self.events.append("seed")
        return "population"

    def prepare(
        self,
        experiment: Experiment,
        population: object,
        trial: PlannedTrial,
        *,
        portion: int,
        gateway_url: str,
        folder: Path,
        history: Path,
    ) -> FakeLoad:
        """A load whose result :attr:`make` gives."""
        del population, gateway_url, folder
        self.portions.append(portion)
        self._healings += len(experiment.treatment(trial.treatment).faults)
        return FakeLoad(self.events, self.make(), history, healings=self._healings, on_look=self.on_look)

    def cached_paths(self, experiment: Experiment, population: object, trial: PlannedTrial) -> Sequence[str]:
        """Two courses."""
        del experiment, population, trial
        return "/courses/1", "/courses/2"


class FakeProbe:
    """Reads a constant."""

    name = "fake"

    def read(self) -> list[Reading]:
        """Always the same."""
        return [Reading("courses-1", "memory_bytes", 1.0)]

    def close(self) -> None:
        """Holds nothing."""


@dataclass
class FakeInspection:
    """Finds every accepted request enrolled."""

    events: list[str]
    fail: ExperimentError | None = None
    status: str = "enrolled"
    unacknowledged: list[tuple[tuple[str, str], ...]] = field(default_factory=list)
    """Id and key of what each final read finds that no client was told of; nothing once the list is empty."""
    asked_replicas: list[bool] = field(default_factory=list)
    """Of each trial, whether what the replicas say of themselves was watched."""

    def flush_cache(self, deployment: Deployment) -> None:
        """Nothing to empty."""
        del deployment
        self.events.append("flush")

    def hold_back(self, deployment: Deployment, delay_us: float) -> None:
        """Remembered."""
        del deployment
        self.events.append(f"hold back {delay_us:g}")

    def read_through(self, deployment: Deployment, paths: Sequence[str]) -> None:
        """Nothing answers."""
        del deployment
        self.events.append(f"read {' '.join(paths)}")

    def age_cache(self, deployment: Deployment, *, seed: int, lead_s: float) -> None:
        """Nothing has a life."""
        del deployment, seed, lead_s
        self.events.append("age")

    def probes(self, deployment: Deployment, *, replicas: bool) -> Sequence[Probe]:
        """One probe."""
        del deployment
        self.asked_replicas.append(replicas)
        return [FakeProbe()]

    def look_before(self, deployment: Deployment) -> Before | None:
        """There is no database to look into."""
        del deployment
        return None

    def look_after(self, deployment: Deployment, asked: Asked, clock: Clock) -> After:
        """Every accepted request with :attr:`status`, all in one course."""
        del deployment
        self.events.append("final read")
        if self.fail is not None:
            raise self.fail
        found = self.unacknowledged.pop(0) if self.unacknowledged else ()
        at_s = clock()
        at = {"at_s": at_s, "began_s": at_s, "moment": "final", "source": "api"}
        rows = [{"enrollment": item, "student": int(item.removeprefix("id-")), "state": self.status} for item in asked.accepted]
        rows += [{"enrollment": item, "key": key, "student": number, "state": self.status} for number, (item, key) in enumerate(found)]
        decision = {"course_version": 1, "student_version": 1, "prerequisites": (), "completed_courses": ()}
        course = {"course": 1, "capacity": 99, "taken": len(rows), "free": 99 - len(rows), "enrolled": len(rows)}
        return (
            Mark(at_s=at_s, name="quiet"),
            *(EnrollmentRow.model_validate({**at, **row, "course": 1, "decision": decision}) for row in rows),
            CourseRow.model_validate({**at, **course}),
        )


class FakeProgress:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def added(self, step_s: float) -> None:
        """Remember it."""
        del step_s
        self.lines.append("added")

    def started(self, title: str) -> None:
        """Remember it."""
        self.lines.append(f"started {title}")

    def stage(self, name: str) -> None:
        """Remember it."""
        self.lines.append(f"stage {name}")

    def note(self, text: str) -> None:
        """Too small to remember."""

    def finished(self, line: str) -> None:
        """Remember it."""
        self.lines.append(f"finished {line}")

    def say(self, text: str) -> None:
        """Remember it."""
        self.lines.append(text)


@dataclass
class FakeRig:
    """Finds for every quantity of a path a one, unless :attr:`make` has another answer."""

    events: list[str] = field(default_factory=list)
    make: Callable[[PlannedMeasurement], Result | Exception | None] = lambda _: None
    fail_prepare: Exception | None = None
    generator: str = "fake wrk 1.0"

    def prepare(self, experiment: CapacityExperiment, *, cache: bool, note: Note) -> Deployment:
        """A deployment on paper, or the failure asked for."""
        note("preparing")
        self.events.append(f"prepare {'cached' if cache else 'uncached'}")
        if self.fail_prepare is not None:
            raise self.fail_prepare
        return deployment(experiment.topology)

    def measure(self, experiment: CapacityExperiment, planned: PlannedMeasurement, note: Note) -> Result:
        """Ones."""
        note("measuring")
        self.events.append(f"measure {planned.path} {planned.implementation}")
        made = self.make(planned)
        if isinstance(made, Exception):
            raise made
        return made or Result(dict.fromkeys(experiment.path(planned.path).quantities, 1.0))

    def down(self, note: Note) -> None:
        """Nothing to remove."""
        note("taking down")
        self.events.append("down")


@dataclass
class FakeOutside:
    """All of it, with one list of events in the order in which they happened."""

    events: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.platform = FakePlatform(self.events)
        self.load = FakeLoadSide(self.events)
        self.inspection = FakeInspection(self.events)
        self.rig = FakeRig()

    @property
    def outside(self) -> Outside:
        """As a run takes it."""
        return Outside(platform=self.platform, load=self.load, inspection=self.inspection, rig=self.rig)

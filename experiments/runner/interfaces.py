"""What a run needs of the outside, as small interfaces, so that its order of events can be tested without servers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import psutil
import pyarrow as pa

from experiments.capacity.result import Result
from experiments.definition import CapacityExperiment, Dataset, Experiment
from experiments.faults.interfaces import NodeControl
from experiments.faults.journal import Journal
from experiments.probes.nginx import Log
from experiments.probes.sampler import Probe
from experiments.records.capacity import PlannedMeasurement
from experiments.records.schema import PlannedTrial
from experiments.runner.looks import After, Asked, Before, Clock
from infra.deployment import Deployment
from infra.topology import Topology

Note = Callable[[str], None]
"""Takes a short line on what is being done now."""


class Platform(Protocol):
    """The one deployment that trials are run on, changed incrementally from treatment to treatment."""

    def up(self, topology: Topology, note: Note) -> Deployment:
        """Make the deployment what ``topology`` says; returns when all nodes are ready."""

    def down(self, note: Note) -> None:
        """Remove the deployment and its data; harmless where there is none."""

    def current(self) -> Deployment:
        """The deployment with every address as it is now: a container that was started again may have another."""

    def control(self) -> NodeControl:
        """What a fault may do to its nodes."""

    def journal(self) -> Journal:
        """Where it is noted what is broken on purpose."""

    def access_log(self) -> Log:
        """What the gateway writes to its access log from now on."""

    def heal(self, note: Note) -> None:
        """Heal what an earlier run that was killed has left broken; harmless where there is nothing."""

    def processes(self, node: str) -> Sequence[psutil.Process]:
        """The node's processes now; empty if it doesn't run."""

    def server_versions(self, deployment: Deployment) -> Mapping[str, str]:
        """Versions of the server programs, by name."""


class LoadResult(Protocol):
    """What the load generator recorded."""

    @property
    def requests(self) -> pa.Table:
        """A row a request, with ``REQUEST_SCHEMA``."""

    @property
    def offered(self) -> int:
        """Requests in the schedule."""


class Load(Protocol):
    """The load of one trial."""

    def launch(self) -> None:
        """Begin to get ready."""

    def await_ready(self) -> None:
        """Return when it can send, at once if it was asked before; raises LoadError if it can't."""

    @property
    def pid(self) -> int:
        """Process that sends, once it was launched."""

    def start(self, epoch_monotonic_s: float) -> None:
        """Send by the schedule, whose time 0 is ``epoch_monotonic_s`` on the monotonic clock."""

    def finished(self) -> bool:
        """Every request was answered or given up, or the generator died."""

    def result(self) -> LoadResult:
        """What was recorded; raises LoadError if the generator failed."""

    def stop(self) -> None:
        """Kill the generator if it runs; idempotent."""


class LoadSide(Protocol):
    """Data and load of an experiment."""

    @property
    def generator(self) -> str:
        """Program and version that sends the load."""

    def seed(self, gateway_url: str, dataset: Dataset, seed: int, note: Note) -> Any:
        """Create the population through the API; returns what :meth:`prepare` needs of it."""

    def prepare(
        self, experiment: Experiment, population: Any, trial: PlannedTrial, *, portion: int, gateway_url: str, folder: Path, history: Path
    ) -> Load:
        """The load of a trial, ready to start.

        Trials with different portions, and different attempts with the same, never enrol the same student in the same course.

        Its operations are appended to the file ``history`` as they happen.
        """

    def cached_paths(self, experiment: Experiment, population: Any, trial: PlannedTrial) -> Sequence[str]:
        """What the cache holds at a moment of its steady state under the trial's treatment, as paths that clients read it by."""


class Inspection(Protocol):
    """Looks at the deployment from outside, before and after the load."""

    def flush_cache(self, deployment: Deployment) -> None:
        """Empty the cache, if there is one."""

    def hold_back(self, deployment: Deployment, delay_us: float) -> None:
        """Let the links between the gateway and the services hold every answer back for so long."""

    def read_through(self, deployment: Deployment, paths: Sequence[str]) -> None:
        """Read each path once, as clients do; raises TrialError where one can't be read."""

    def age_cache(self, deployment: Deployment, *, seed: int, lead_s: float) -> None:
        """Give each entry of the cache, if there is one, what is left of its life in ``lead_s`` from now, drawn from the seed."""

    def probes(self, deployment: Deployment, *, replicas: bool) -> Sequence[Probe]:
        """Fresh probes of everything that can be watched; ``replicas``: also what each of them says of itself, which costs it a little."""

    def look_before(self, deployment: Deployment) -> Before | None:
        """Read the business state before the load; None where there is no way to look into the databases."""

    def look_after(self, deployment: Deployment, asked: Asked, clock: Clock) -> After:
        """Wait until nothing is under way, then read the business state through the API and from each database."""


class Rig(Protocol):
    """The implementations of a capacity experiment, deployed side by side, and what measures them one after the other."""

    @property
    def generator(self) -> str:
        """Program and version that sends the load."""

    def prepare(self, experiment: CapacityExperiment, *, cache: bool, note: Note) -> Deployment:
        """Make all of them ready, with their data, and with or without their cache; returns the product's deployment."""

    def measure(self, experiment: CapacityExperiment, planned: PlannedMeasurement, note: Note) -> Result:
        """Measure one path on one implementation; raises MeasurementError where that can't be done."""

    def down(self, note: Note) -> None:
        """Remove all of them with their data; harmless where there is nothing."""


@dataclass(frozen=True)
class Outside:
    """Everything that a run talks to."""

    platform: Platform
    load: LoadSide
    inspection: Inspection
    rig: Rig

"""The real outside of a run: infra's deployments and the load side, behind the run's interfaces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

from experiments import cache_state, population, schedule, seeding
from experiments.capacity.rig import LiveRig
from experiments.capacity.side import Side
from experiments.definition import Dataset, Experiment
from experiments.definition.capacity import DEPLOYED
from experiments.errors import ExperimentError
from experiments.faults.interfaces import NodeControl
from experiments.faults.journal import FileJournal
from experiments.healing import heal, journal_of
from experiments.load import LoadGenerator, generator_name
from experiments.records.schema import PlannedTrial
from experiments.runner.inspection import LiveInspection
from experiments.runner.interfaces import Note, Outside
from experiments.runner.interrupts import Interrupts
from experiments.settings import Settings
from infra import operations
from infra.deployment import Deployment
from infra.engines.choosing import TargetChoice
from infra.errors import NotDeployedError
from infra.home import StateRoot
from infra.settings import Settings as InfraSettings
from infra.topology import Topology


class InfraPlatform:
    """One named deployment, which lives and dies with this process."""

    def __init__(self, name: str, target: TargetChoice, interrupts: Interrupts) -> None:
        self._name = name
        self._target = target
        self._interrupts = interrupts
        self._deployment: Deployment | None = None

    def up(self, topology: Topology, note: Note) -> Deployment:
        """Make the deployment what ``topology`` says; a signal ends it at once, for infra undoes what it began."""
        with self._interrupts.at_once():
            self._deployment = operations.up(self._name, topology, target=self._target, progress=_Notes(note), owner=True)
        return self._deployment

    def down(self, note: Note) -> None:
        """Remove the deployment and its data."""
        operations.down(self._name, volumes=True, progress=_Notes(note))
        self._deployment = None

    def current(self) -> Deployment:
        """The deployment with every address as it is now."""
        return operations.located(self._up())

    def control(self) -> NodeControl:
        """What a fault may do to its nodes."""
        return operations.control(self._name)

    def journal(self) -> FileJournal:
        """The file in the deployment's folder."""
        return journal_of(self._name)

    def access_log(self) -> operations.Tail:
        """What the gateway writes to its access log from now on."""
        return operations.access_log(self._up())

    def heal(self, note: Note) -> None:
        """Heal what the journal says is broken."""
        for line in heal(self._name, note):
            note(line)

    def processes(self, node: str) -> Sequence[psutil.Process]:
        """The node's processes now."""
        return operations.processes(self._up(), node)

    def server_versions(self, deployment: Deployment) -> Mapping[str, str]:
        """Versions of the server programs, by name."""
        return operations.server_versions(deployment)

    def _up(self) -> Deployment:
        if self._deployment is None:
            raise NotDeployedError(f"nothing is up under the name {self._name!r}")
        return self._deployment


class LocustLoad:
    """Population, schedule and generator of the load side."""

    @property
    def generator(self) -> str:
        """Program, version and priority of what sends the load."""
        return generator_name()

    def seed(self, gateway_url: str, dataset: Dataset, seed: int, note: Note) -> seeding.SeededPopulation:
        """Create the population through the API."""
        return seeding.seed(gateway_url, population.generate(dataset, seed), note=note)

    def prepare(
        self, experiment: Experiment, population: Any, trial: PlannedTrial, *, portion: int, gateway_url: str, folder: Path, history: Path
    ) -> LoadGenerator:
        """The load of a trial, ready to start."""
        treatment = experiment.treatment(trial.treatment)
        plan = schedule.build(experiment, population, treatment, trial_seed=trial.seed, block=portion, attempt=trial.attempt)
        return LoadGenerator(plan, gateway_url, folder, history=history, resends=experiment.resends)

    def cached_paths(self, experiment: Experiment, population: Any, trial: PlannedTrial) -> tuple[str, ...]:
        """What the steady state of the cache holds under the trial's treatment."""
        return cache_state.cached_paths(experiment, experiment.treatment(trial.treatment), population, seed=trial.seed)


class _Notes:
    """infra's progress as short lines."""

    def __init__(self, note: Note) -> None:
        self._note = note

    def waiting(self, node: str, what: str) -> None:
        self._note(f"{node}: waiting for {what}")

    def done(self, node: str, what: str, seconds: float) -> None:
        self._note(f"{node} {what} in {seconds:.1f} s")

    def note(self, text: str) -> None:
        self._note(text)


@contextmanager
def exclusive(settings: Settings) -> Iterator[None]:
    """Keep any other bench of this user from the same deployment; the lock of a killed one is free at once.

    Raises:
        ExperimentError: another bench is running.
    """
    root = StateRoot(InfraSettings().state_dir)
    root.make()
    try:
        with FileLock(root.path / "locks" / f"{settings.deployment}-suite.lock", timeout=0):
            yield
    except Timeout:
        raise ExperimentError(
            f"another bench is running on the deployment {settings.deployment!r}; wait for it, or set SPIRELAB_DEPLOYMENT to another name"
        ) from None


def live_outside(settings: Settings, interrupts: Interrupts) -> Outside:
    """Real servers and real load."""

    def looking_at(platform: InfraPlatform) -> LiveInspection:
        return LiveInspection(platform, settle_timeout_s=settings.settle_timeout_s, sleep=interrupts.sleep)

    platform = InfraPlatform(settings.deployment, settings.target, interrupts)
    platforms = {side: InfraPlatform(f"{settings.deployment}-{side}", settings.target, interrupts) for side in DEPLOYED}
    rig = LiveRig({side: Side(side, own, looking_at(own)) for side, own in platforms.items()}, lambda: operations.tool("wrk"), interrupts)
    return Outside(platform=platform, load=LocustLoad(), inspection=looking_at(platform), rig=rig)

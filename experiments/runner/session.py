"""The deployment that trials share, and what it already holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import psutil

from experiments.definition import WRITES, Experiment
from experiments.faults.looking import each
from experiments.invariants.history import History, still_owed
from experiments.records.history import Owed
from experiments.runner.interfaces import Note, Outside
from infra.deployment import Deployment, Role
from infra.topology import Topology


@dataclass
class Session:
    """One deployment over its life: brought up, changed from treatment to treatment, removed at the end of a bring-up.

    The population is created once and used again by every trial, and by the next experiment if that needs the same one and nobody
    wrote meanwhile. Trials stay apart because no student is enrolled twice in the same course within a run, because the same is
    reset before each, and because their orders are balanced for what is left over.
    """

    outside: Outside
    deployment: Deployment | None = None
    population: Any = None
    """What the load side made of the seeded data; None: nothing is seeded."""
    known: dict[str, str] = field(default_factory=dict)
    """Enrolments that earlier trials made, by id, with the state in which they were last seen."""
    owed: tuple[Owed, ...] = ()
    """Writes of earlier trials whose outcome is unknown: a late one may still take effect."""
    just_started: frozenset[str] = frozenset()
    """Service replicas and workers that the last change of the deployment has started, and that have served nothing since."""
    _seeded_for: object = None
    _clean: bool = True

    def begin(self, experiment: Experiment, note: Note) -> None:
        """Start an experiment: from nothing, unless the data that is there is just what it needs."""
        is_stale = experiment.bring_ups > 1 and self.deployment is not None
        if is_stale or self._seeded_for not in (None, _needs(experiment)) or not self._clean:
            note("fresh data for the next experiment")
            self.end(note)
        self._clean = WRITES.isdisjoint(experiment.operations)

    def renew(self, experiment: Experiment, note: Note) -> None:
        """Go on with the experiment on a fresh deployment, which its next trial brings up and seeds."""
        note("removing the deployment; the next block gets a fresh one")
        self.end(note)
        self.begin(experiment, note)

    def deploy(self, topology: Topology, note: Note) -> Deployment:
        """Change the deployment into ``topology``."""
        before = self._main_processes()
        self.deployment = self.outside.platform.up(topology, note)
        after = self._main_processes()
        self.just_started = frozenset(
            name for name, process in after.items() if name not in before or (process is not None and process != before[name])
        )
        return self.deployment

    def restart_replicas(self) -> None:
        """Start every service replica and worker afresh, those excepted that :meth:`deploy` has just started and nothing was asked.

        Raises:
            InfraError: one does not end, or is not ready in time.
        """
        control = self.outside.platform.control()

        def restart(node: str) -> None:
            control.stop_node(node)
            control.start_node(node)

        each(sorted(self._main_processes().keys() - self.just_started), restart)

    def seed(self, experiment: Experiment, gateway_url: str, note: Note) -> Any:
        """The population of the experiment, created if it is not there yet."""
        if self.population is None:
            self.population = self.outside.load.seed(gateway_url, experiment.dataset, experiment.seed, note)
            self._seeded_for = _needs(experiment)
            self.just_started = frozenset()
        return self.population

    def learn(self, history: History) -> None:
        """Remember what a trial that was carried out leaves to the next one."""
        if history.trial is not None:
            self.owed = still_owed(history)

    def end(self, note: Note) -> None:
        """Remove the deployment and its data."""
        self.outside.platform.down(note)
        self.deployment = self.population = self._seeded_for = None
        self.just_started = frozenset()
        self._clean = True
        self.known.clear()
        self.owed = ()

    def _main_processes(self) -> dict[str, psutil.Process | None]:
        """The first process of each service replica and worker, by node; None where it can't be seen from here."""
        nodes = () if self.deployment is None else self.deployment.nodes
        replicas = [node.name for node in nodes if node.role in (Role.SERVICE, Role.WORKER)]
        return {name: next(iter(self.outside.platform.processes(name)), None) for name in replicas}


def _needs(experiment: Experiment) -> object:
    return experiment.dataset, experiment.seed

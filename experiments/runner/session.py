"""The deployment that trials share, and what it already holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from experiments.definition import WRITES, Experiment
from experiments.invariants.history import History, still_owed
from experiments.records.history import Owed
from experiments.runner.interfaces import Note, Outside
from infra.deployment import Deployment
from infra.topology import Topology


@dataclass
class Session:
    """One deployment over its life: brought up once, changed from treatment to treatment, removed at the end.

    The population is created once and used again by every trial, and by the next experiment if that needs the same one and nobody
    wrote meanwhile. Trials stay apart because no student is enrolled twice in the same course within a run, because the
    cache is emptied before each, and because their order is random.
    """

    outside: Outside
    deployment: Deployment | None = None
    population: Any = None
    """What the load side made of the seeded data; None: nothing is seeded."""
    known: dict[str, str] = field(default_factory=dict)
    """Enrolments that earlier trials made, by id, with the state in which they were last seen."""
    owed: tuple[Owed, ...] = ()
    """Writes of earlier trials whose outcome is unknown: a late one may still take effect."""
    _seeded_for: object = None
    _clean: bool = True

    def begin(self, experiment: Experiment, note: Note) -> None:
        """Start an experiment: from nothing, unless the data that is there is just what it needs."""
        if self._seeded_for not in (None, _needs(experiment)) or not self._clean:
            note("fresh data for the next experiment")
            self.end(note)
        self._clean = WRITES.isdisjoint(experiment.operations)

    def deploy(self, topology: Topology, note: Note) -> Deployment:
        """Change the deployment into ``topology``."""
        self.deployment = self.outside.platform.up(topology, note)
        return self.deployment

    def seed(self, experiment: Experiment, gateway_url: str, note: Note) -> Any:
        """The population of the experiment, created if it is not there yet."""
        if self.population is None:
            self.population = self.outside.load.seed(gateway_url, experiment.dataset, experiment.seed, note)
            self._seeded_for = _needs(experiment)
        return self.population

    def learn(self, history: History) -> None:
        """Remember what a trial that was carried out leaves to the next one."""
        if history.trial is not None:
            self.owed = still_owed(history)

    def end(self, note: Note) -> None:
        """Remove the deployment and its data."""
        self.outside.platform.down(note)
        self.deployment = self.population = self._seeded_for = None
        self._clean = True
        self.known.clear()
        self.owed = ()


def _needs(experiment: Experiment) -> object:
    return experiment.dataset, experiment.seed

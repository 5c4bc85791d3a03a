"""A trial that broke a rule is run again with fewer faults, without servers."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from experiments import catalog
from experiments.definition import Experiment, Fault, FaultKind, Phases, Treatment
from experiments.errors import RecordError, TrialError
from experiments.records.files import TRIES_FOLDER, Run, read_run
from experiments.runner.interrupts import Interrupts
from experiments.runner.looks import After, Asked, Clock
from experiments.runner.session import Session
from experiments.runner.shrinking import Effort, shrink_by_chance, shrink_run
from experiments.runner.stages import Bench
from experiments.runner.suite import Job, SuiteOutcome, run_suite
from experiments.settings import Settings
from infra.deployment import Deployment
from tests.fakes.bench import FakeInspection, FakeOutside, FakeProgress, tiny

FAULTS = tuple(
    Fault(kind=kind, node="courses-1", at_s=0.05 * place, duration_s=0.02)
    for place, kind in enumerate((FaultKind.STOP, FaultKind.STOP, FaultKind.CRASH, FaultKind.STOP))
)
BROKEN = Treatment(name="broken", title="several faults", faults=FAULTS)
EXPERIMENT = tiny(treatments=(BROKEN,), phases=Phases(warm_up_s=0, measure_s=0.3), trials=1)
EFFORT = Effort(minutes=5, repeats=2)


class FragileInspection(FakeInspection):
    """Finds accepted requests lost after a trial in which a replica was both killed and stopped."""

    is_mended = False

    def look_after(self, deployment: Deployment, asked: Asked, clock: Clock) -> After:
        """As the trial's faults have it."""
        trial = self.events[len(self.events) - self.events[::-1].index("load start") :]
        is_lost = {"kill courses-1", "stop courses-1"} <= set(trial) and not self.is_mended
        self.status = "missing" if is_lost else "enrolled"
        return super().look_after(deployment, asked, clock)


@dataclass
class Lab:
    """Runs experiments on it, and shrinks."""

    folder: Path
    fake: FakeOutside = field(default_factory=FakeOutside)
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.inspection = self.fake.inspection = FragileInspection(self.fake.events)
        self.settings = Settings(runs_dir=self.folder / "runs", start_lead_s=0)

    def run(self, experiment: Experiment) -> Run:
        """The run directory."""
        outcome = SuiteOutcome()
        with Interrupts() as interrupts:
            run_suite([Job(experiment, "")], self.fake.outside, self.settings, interrupts, FakeProgress(), outcome)
        return read_run(outcome.paths[0])

    def bench(self) -> Bench:
        """With nothing deployed."""
        return Bench(Session(self.fake.outside), self.settings, Interrupts(), lambda _: None)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """A lab whose system is broken."""
    return Lab(tmp_path)


def test_the_fewest_faults_that_break_the_rule_are_written_down(lab: Lab) -> None:
    """Of four faults the two that it takes are left, in a file that is an experiment of its own, and said."""
    run = lab.run(EXPERIMENT)
    reduction = shrink_run(run, lab.bench(), effort=EFFORT, say=lab.said.append)
    assert reduction is not None
    assert (reduction.before, reduction.after, reduction.is_minimal) == (4, 2, True)
    written = catalog.load_file(reduction.file)
    assert isinstance(written, Experiment)
    assert {fault.kind for fault in written.treatments[0].faults} == {FaultKind.CRASH, FaultKind.STOP}
    assert (written.name, written.trials, written.seed) == ("tiny_shrunk", EFFORT.repeats, EXPERIMENT.seed)
    assert lab.said[-1] == reduction.summary
    assert str(reduction.file) in reduction.summary


def test_every_try_starts_from_nothing_is_kept_and_removed(lab: Lab) -> None:
    """What one try broke is not found by the next, each can be looked at, and the deployment goes in the end."""
    run = lab.run(EXPERIMENT)
    seeded = lab.fake.events.count("seed")
    reduction = shrink_run(run, lab.bench(), effort=EFFORT, say=lab.said.append)
    assert reduction is not None
    assert len(list((run.path / TRIES_FOLDER).iterdir())) == reduction.tries == lab.fake.events.count("seed") - seeded
    assert lab.fake.events[-1] == "down"


def test_faults_that_break_nothing_again_are_not_shrunk(lab: Lab) -> None:
    """No two runs are the same, so the whole is tried first, as often as anything else."""
    run = lab.run(EXPERIMENT)
    lab.inspection.is_mended = True
    before = lab.fake.events.count("load start")
    assert shrink_run(run, lab.bench(), effort=EFFORT, say=lab.said.append) is None
    assert lab.fake.events.count("load start") - before == EFFORT.repeats
    assert "the same faults broke nothing in 2 more trials" in lab.said[-1]


def test_a_run_without_a_broken_rule_can_not_be_shrunk(lab: Lab) -> None:
    """The sentence says so."""
    lab.inspection.is_mended = True
    with pytest.raises(RecordError, match="no rule was broken"):
        shrink_run(lab.run(EXPERIMENT), lab.bench(), effort=EFFORT, say=lab.said.append)


def test_only_what_was_left_to_chance_is_shrunk_unasked(lab: Lab) -> None:
    """Whoever planned faults knows which they are."""
    run = lab.run(EXPERIMENT)
    shrink_by_chance([run.path], lab.bench(), effort=EFFORT, say=lab.said.append)
    assert lab.said == []


def test_a_try_that_can_not_be_carried_out_is_not_repeated(lab: Lab) -> None:
    """It broke nothing, and as many failures as end a run don't end the search."""
    run = lab.run(EXPERIMENT)
    lab.inspection.fail = TrialError("GET /enroll failed")
    before = lab.fake.events.count("load start")
    assert shrink_run(run, lab.bench(), effort=EFFORT, say=lab.said.append) is None
    assert lab.fake.events.count("load start") - before == EFFORT.repeats

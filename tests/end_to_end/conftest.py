"""A bench as a user starts it: in a process of its own, with deployments that nobody else sees."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from experiments.settings import REPOSITORY

PATIENCE_S = 120.0

TINY = """
from experiments.definition import Arrivals, BoundClaim, Dataset, Experiment, Fault, Metric, Operation, Phases, Treatment
from infra.topology import Topology

EXPERIMENT = Experiment(
    name="tiny",
    title="Tiny",
    question="Does all of it work together?",
    topology=Topology().override({"courses.replicas": 2}),
    treatments=(
        Treatment(name="crash", title="courses-2 killed", faults=(Fault(node="courses-2", at_s=0.5, duration_s=0.5),)),
        Treatment(name="uncached", title="cache off", factors={"cache": False}),
    ),
    dataset=Dataset(courses=20, students=200),
    mix={operation: 1 for operation in Operation} | {Operation.READ_COURSE: 6, Operation.ENROLL: 3},
    resends=2,
    arrivals=Arrivals(rate_per_s=40),
    phases=Phases(warm_up_s=0.5, measure_s=1.5, cool_down_s=0.5),
    claims=(BoundClaim(statement="Nothing fails", metric=Metric.FAILED_REQUESTS, treatment="crash", at_most=0),),
    trials=1,
)
"""


@dataclass(frozen=True)
class Bench:
    """How to start one, and where it leaves what."""

    folder: Path
    environment: dict[str, str]

    @property
    def runs_dir(self) -> Path:
        """Its run directories."""
        return self.folder / "runs"

    @property
    def run_list(self) -> Path:
        """The list of run directories that it writes."""
        return self.folder / "runs.txt"

    def start(self, *launcher: str, definition: str = TINY) -> subprocess.Popen[str]:
        """``python -m experiments bench`` on an experiment; ``launcher`` is a command that is given it to start."""
        file = self.folder / "tiny.py"
        file.write_text(definition, encoding="utf-8")
        options = ["--file", str(file), "--runs-dir", str(self.runs_dir), "--write-run-list", str(self.run_list)]
        return subprocess.Popen(
            [*launcher, sys.executable, "-m", "experiments", "bench", *options],
            cwd=REPOSITORY,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Another command of the project, to its end."""
        return subprocess.run(
            [sys.executable, "-m", *command],
            cwd=REPOSITORY,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )


@contextmanager
def private_bench(folder: Path) -> Iterator[Bench]:
    """A bench with a state folder of its own, which the user postgres can enter; what is left of it is taken down in the end."""
    state = Path(tempfile.mkdtemp(prefix="spirelab-test-"))
    state.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPIRELAB_STATE_DIR", str(state))
        patch.delenv("SPIRELAB_DEPLOYMENT", raising=False)
        # whether a busy test machine keeps the schedule is not the question here
        for rule in ("SLIP_FLOOR_MS", "LONGEST_SLIP_MS"):
            patch.setenv(f"SPIRELAB_{rule}", "60000")
        made = Bench(folder, dict(os.environ))
        yield made
        made.run("infra", "down", "--volumes")
    shutil.rmtree(state)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A private bench for one test."""
    with private_bench(tmp_path) as made:
        yield made


def wait_until(happened: Callable[[], bool], what: str) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline, f"{what} never came"
        time.sleep(0.05)

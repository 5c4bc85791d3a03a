"""One run: a deployment of its own for one code, a scenario on it by the lab's own bench, and what the bench recorded."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from experiments import catalog
from experiments.definition import Experiment
from experiments.records.files import read_run
from experiments.runner.interrupts import Interrupts
from infra import operations
from tests.mutants.day import DECISION_BOUND_S
from tests.mutants.mutants import REPOSITORY, Mutant, plant
from tests.mutants.verdicts import PRODUCT, Verdict, judged, not_carried_out

SCENARIOS: Final = Path(__file__).parent / "scenarios"
DEPLOYMENT: Final = "mutants"
LOG_LINES: Final = 3
SLIP_FLOOR_MS: Final = 1_000
"""A generator that is late makes no verdict wrong, but when it is much later than the faults there is little to judge."""
START_LEAD_S: Final = 6
"""Twice what a generator takes to be ready on a machine that has nothing else to do."""
SETTLE_MARGIN_S: Final = 0.5


@dataclass(frozen=True)
class Job:
    """What is to be run."""

    mutant: Mutant | None
    """None: the product."""
    scenario: str
    seed: int
    trials: int = 1
    """More than one on the same deployment: for the product alone, since what a bug spoils is found again in the next trial."""

    @property
    def subject(self) -> str:
        """Whose verdict it is."""
        return PRODUCT if self.mutant is None else self.mutant.name


def scenario(name: str) -> Experiment:
    """The experiment of that name."""
    found = catalog.load_file(_file(name))
    assert isinstance(found, Experiment)
    return found


class Runner:
    """Carries out one job after the other; whatever happens, nothing of a job is left but its run directory."""

    def __init__(self, runs_dir: Path, interrupts: Interrupts) -> None:
        self._runs_dir = runs_dir
        self._interrupts = interrupts
        self._deployment = os.environ.get("SPIRELAB_DEPLOYMENT", DEPLOYMENT)

    def run(self, job: Job) -> tuple[Verdict, ...]:
        """The verdict of each trial.

        Raises:
            Interrupted: a signal came; what was begun is taken down by then.
        """
        with tempfile.TemporaryDirectory(prefix="spirelab-mutant-") as temporary:
            folder = Path(temporary)
            environment = {
                **os.environ,
                "SPIRELAB_DEPLOYMENT": self._deployment,
                "SPIRELAB_REPEATS": "0",  # a job is so many trials, whatever becomes of them
                "SPIRELAB_SLIP_FLOOR_MS": str(SLIP_FLOOR_MS),
                "SPIRELAB_START_LEAD_S": str(START_LEAD_S),
                "SPIRELAB_SETTLE_TIMEOUT_S": str(DECISION_BOUND_S + SETTLE_MARGIN_S),
                "SPIRELAB_STOP_WITH_PARENT": "1",
            }
            if job.mutant is not None:
                plant(job.mutant, folder)
                environment["SPIRELAB_APPLICATION_DIR"] = str(folder)
            run_list = folder / "runs.txt"
            log = folder / "bench.log"
            try:
                self._bench(job, run_list, log, environment)
            finally:
                operations.down(self._deployment, volumes=True)  # a bench that could not do so itself
            return _verdicts(job, run_list, log)

    def _bench(self, job: Job, run_list: Path, log: Path, environment: dict[str, str]) -> None:
        options = {
            "--file": _file(job.scenario),
            "--trials": job.trials,
            "--seed": job.seed,
            "--runs-dir": self._runs_dir,
            "--write-run-list": run_list,
        }
        command = [sys.executable, "-m", "experiments", "bench", *(str(word) for option in options.items() for word in option)]
        with log.open("wb") as output:
            # in a session of its own: Ctrl-C at the terminal is for this program, which tells the bench once
            bench = subprocess.Popen(
                command, cwd=REPOSITORY, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
            try:
                with self._interrupts.at_once():
                    bench.wait()
            finally:
                if bench.poll() is None:
                    bench.terminate()
                bench.wait()


def _file(name: str) -> Path:
    return SCENARIOS / f"{name}.py"


def _verdicts(job: Job, run_list: Path, log: Path) -> tuple[Verdict, ...]:
    paths = run_list.read_text(encoding="utf-8").splitlines() if run_list.is_file() else []
    trials = [trial.record for path in paths for trial in read_run(Path(path)).trials()]
    verdicts = [judged(job.subject, job.scenario, job.seed, trial) for trial in trials]
    lost = job.trials - len(verdicts)
    why = " / ".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]) if lost else ""
    return (*verdicts, *[not_carried_out(job.subject, job.scenario, job.seed, why)] * lost)

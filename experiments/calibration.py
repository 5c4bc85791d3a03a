"""The experiment that calibrates a machine: equal treatments, and slowdowns of known size among them.

Equal treatments show how often a comparison sees a difference where there is none; planted ones, which differences it finds. The slowdown
is made by the links between the gateway and the services, which hold each answer back for a share of the median service time: where the
system's own answers would be late, and without any other cost.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow.compute as pc

from experiments.definition import Arrivals, Experiment, Operation, Phase, Phases, Treatment
from experiments.errors import ExperimentError
from experiments.records.calibration import EQUAL_PREFIX, EXPERIMENT_NAME, PLANTED_PREFIX
from experiments.records.files import read_run
from experiments.records.schema import Outcome
from infra.topology import Topology

EQUAL_TREATMENTS: Final = 4
"""Six pairs: with five metrics and two windows of blocks they make 60 comparisons."""
PLANTED_PERCENT: Final = (5, 10, 20)
BLOCKS: Final = 12
PILOT_TRIALS: Final = 2
_US_PER_S: Final = 1e6

_EQUAL: Final = tuple(
    Treatment(name=f"{EQUAL_PREFIX}{number}", title=f"unchanged, {number} of {EQUAL_TREATMENTS}")
    for number in range(1, EQUAL_TREATMENTS + 1)
)
PILOT: Final = Experiment(
    name=EXPERIMENT_NAME,
    title="Calibration of this machine",
    question="How often does a comparison on this machine see a difference where there is none, and which slowdowns does it find?",
    topology=Topology().override({"links": True}),
    treatments=_EQUAL[:1],
    mix={
        Operation.READ_COURSE: 68,
        Operation.LIST_COURSES: 6,
        Operation.READ_STUDENT: 20,
        Operation.ENROLL: 4,
        Operation.READ_ENROLLMENT: 2,
    },
    arrivals=Arrivals(rate_per_s=200),
    # Some 1,200 requests, so that p99 can be printed.
    phases=Phases(warm_up_s=2, measure_s=6),
    trials=PILOT_TRIALS,
)
"""A few trials without a slowdown, which say what service time is; :func:`calibration` is made from it."""


def calibration(pilot: Experiment, service_p50_s: float, *, blocks: int = BLOCKS) -> Experiment:
    """The experiment for a machine on which the median service time of the pilot's load is ``service_p50_s``."""
    planted = tuple(
        Treatment(
            name=f"{PLANTED_PREFIX}{percent}",
            title=f"+{percent} % of the median service time",
            delay_us=round(service_p50_s * percent / 100 * _US_PER_S),
        )
        for percent in PLANTED_PERCENT
    )
    return pilot.model_copy(update={"treatments": (*_EQUAL, *planted), "trials": blocks})


def measure_service_time(pilot: Experiment, run: Callable[[Experiment, Path], Path]) -> float:
    """The median service time of the pilot's answered requests, s; ``run`` carries it out into a folder and returns the run directory.

    The pilot's run is thrown away: it is no measurement that anything is judged by.

    Raises:
        ExperimentError: No trial of it is valid.
    """
    with tempfile.TemporaryDirectory(prefix="spirelab-pilot-") as folder:
        trials = [trial for trial in read_run(run(pilot, Path(folder))).trials() if trial.record.valid]
        wanted = (pc.field("phase") == str(Phase.MEASURE)) & (pc.field("outcome") == str(Outcome.OK))
        medians = []
        for trial in trials:
            answered = trial.requests.filter(wanted)
            if answered.num_rows:
                medians.append(np.median(pc.subtract(answered["ended_s"], answered["sent_s"]).to_numpy()))
    if not medians:
        raise ExperimentError("no trial of the pilot is valid, so nothing tells the service time; stop other programs and calibrate again")
    return float(np.median(medians))

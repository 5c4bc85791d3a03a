"""What a calibration found: how often equal treatments seem to differ on a machine, and which planted slowdowns are found there.

``calibrations/<machine>.json`` in the runs folder; reports write it from a run of the experiment ``calibration`` and print it on every page
of a run that was made on the same machine.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from pydantic import Field, ValidationError

from experiments.definition import Metric, Value
from experiments.errors import RecordError
from experiments.records.documents import write_json
from experiments.records.schema import Provenance
from infra.topology import Topology

CALIBRATIONS_FOLDER: Final = "calibrations"
EXPERIMENT_NAME: Final = "calibration"
EQUAL_PREFIX: Final = "equal_"
"""Names of the treatments that are all the same begin with it."""
PLANTED_PREFIX: Final = "plus_"
"""Names of the treatments with a planted slowdown begin with it; the rest is the slowdown in per cent of the median service time."""
WINDOW_BLOCKS: Final = 6
"""Blocks of one comparison: the fewest with which the exact test reaches 95 %."""
KEY_DIGITS: Final = 12


class CalibratedMetric(Value):
    """One metric of equal treatments, compared in pairs over windows of blocks."""

    metric: Metric
    comparisons: int
    false_alarms: int
    """Comparisons whose 95 % interval excludes a ratio of 1."""
    spread: float
    """Standard deviation of the logarithm of the ratio within a block."""
    smallest_detectable: dict[int, float | None]
    """By number of blocks: the ratio that an interval of so many blocks tells from 1 in 80 % of experiments; None: there is none."""


class PlantedSlowdown(Value):
    """One slowdown of known size, compared with each of the equal treatments over windows of blocks."""

    share: float
    """Of the median service time: 0.1 for +10 %."""
    delay_us: float
    comparisons: int
    found: int
    """Comparisons of the median response time whose interval lies above a ratio of 1."""
    measured_ms: float
    """Hodges-Lehmann shift of the median response time, all blocks, ms."""


class Calibration(Value):
    """How far comparisons on one machine can be trusted."""

    run_id: str
    made_at: datetime
    provenance: Provenance
    topology: Topology
    rate_per_s: float
    blocks: int
    window: int
    """Blocks of each comparison."""
    metrics: tuple[CalibratedMetric, ...]
    planted: tuple[PlantedSlowdown, ...] = Field(description="the smallest first")


class Machine(Protocol):
    """What a calibration is kept by; the provenance of a run has it."""

    @property
    def cpu_model(self) -> str:
        """The processor's name."""

    @property
    def cpu_count(self) -> int:
        """Processors that the lab may use."""

    @property
    def memory_bytes(self) -> int:
        """All of the machine's memory."""

    @property
    def target(self) -> str:
        """As what the nodes run."""


def machine_key(machine: Machine) -> str:
    """A short name of what a calibration is kept by: the machine's hardware and the target."""
    identity = (machine.cpu_model, machine.cpu_count, machine.memory_bytes, machine.target)
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:KEY_DIGITS]


def calibration_file(runs_dir: Path, machine: Machine) -> Path:
    """Where the calibration of a machine is kept in a folder of runs."""
    return runs_dir / CALIBRATIONS_FOLDER / f"{machine_key(machine)}.json"


def write_calibration(runs_dir: Path, calibration: Calibration) -> Path:
    """Keep a calibration in a folder of runs, in place of an earlier one of the same machine; the file."""
    file = calibration_file(runs_dir, calibration.provenance)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_json(file, calibration)
    return file


def read_calibration(runs_dir: Path, machine: Machine) -> Calibration | None:
    """The calibration of the machine that a run was made on; None where there is none.

    Raises:
        RecordError: The file can't be read.
    """
    file = calibration_file(runs_dir, machine)
    try:
        return Calibration.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError):
        raise RecordError(f"{file}: is no calibration of this version; delete it, or make another with `nox -s calibrate`") from None

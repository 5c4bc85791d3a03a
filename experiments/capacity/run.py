"""One run of a capacity experiment: its rounds, each recorded as soon as it is finished."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from experiments.capacity.plan import plan, rounds
from experiments.capacity.summary import headline
from experiments.definition import CapacityExperiment, Quantity
from experiments.errors import ExperimentError, MeasurementError
from experiments.progress import Progress
from experiments.provenance import collect
from experiments.records.capacity import CapacityRunRecord, Measurement, PlannedMeasurement
from experiments.records.files import write_measurements
from experiments.runner.interfaces import Outside
from experiments.runner.interrupts import Interrupts
from experiments.runner.recorded import RecordedRun
from experiments.settings import REPOSITORY, Settings
from infra.deployment import Deployment
from infra.errors import InfraError

FAILED_IN_A_ROW: Final = 3
"""After so many measurements that could not be made the next one will not be either."""


class CapacityRun(RecordedRun):
    """Carries out the plan of one capacity experiment on the rig."""

    def __init__(
        self, outside: Outside, experiment: CapacityExperiment, command: str, settings: Settings, interrupts: Interrupts, progress: Progress
    ) -> None:
        super().__init__(settings.runs_dir, experiment.name, progress)
        self._outside = outside
        self._experiment = experiment
        self._command = command
        self._interrupts = interrupts
        self._failed_in_a_row = 0
        self._began_s = time.monotonic()

    def _carry_out(self) -> None:
        finished: list[Measurement] = []
        for planned in rounds(plan(self._experiment)):
            finished += [self._measure(item) for item in planned]
            write_measurements(self.path, finished)
            self._finished = len(finished)
            self._invalid = sum(not item.valid for item in finished)

    def _measure(self, planned: PlannedMeasurement) -> Measurement:
        self._interrupts.check()
        self._progress.started(f"{self._experiment.name}: {planned.path} of {planned.implementation}, round {planned.round + 1}")
        cache = self._experiment.path(planned.path).cache
        deployment = self._outside.rig.prepare(self._experiment, cache=cache, note=self._progress.note)
        if self._record is None:
            self._open(self._new_record(deployment))
        self._progress.stage("measuring")
        at_s = self._now_s()
        try:
            result = self._outside.rig.measure(self._experiment, planned, self._progress.note)
        except (ExperimentError, InfraError) as error:
            measurement = Measurement(planned=planned, at_s=at_s, reason=str(error), values={Quantity.DURATION_S: self._now_s() - at_s})
            self._failed_in_a_row += 1
        else:
            measurement = Measurement(planned=planned, at_s=at_s, reason=result.reason, values=dict(result.values))
            self._failed_in_a_row = 0
        self._progress.finished(f"{planned.path:<16} {planned.implementation:<9} round {planned.round + 1}  {headline(measurement)}")
        if self._failed_in_a_row == FAILED_IN_A_ROW:
            raise MeasurementError(f"{FAILED_IN_A_ROW} measurements in a row failed, the last one because of {measurement.reason}")
        return measurement

    def _new_record(self, deployment: Deployment) -> CapacityRunRecord:
        return CapacityRunRecord(
            run_id=self.path.name,
            experiment=self._experiment,
            plan=plan(self._experiment),
            command=self._command,
            started_at=datetime.now(UTC),
            provenance=collect(
                deployment,
                servers=self._outside.platform.server_versions(deployment),
                load_generator=self._outside.rig.generator,
                repository=REPOSITORY,
            ),
        )

    def _leftovers(self) -> list[Path]:
        return []

    def _now_s(self) -> float:
        return time.monotonic() - self._began_s

"""An experiment of the catalog with some of it changed from the command line, checked anew."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import ValidationError

from experiments.definition.base import BaseExperiment, explain, factor_path
from experiments.definition.capacity import CapacityExperiment
from experiments.definition.experiment import Experiment
from experiments.errors import DefinitionError

AnyExperiment = Experiment | CapacityExperiment
"""What a catalog module may define."""

_Kind = TypeVar("_Kind", bound=BaseExperiment)


def changed(
    experiment: _Kind,
    *,
    factors: dict[str, str] | None = None,
    trials: int | None = None,
    seed: int | None = None,
    measure_s: float | None = None,
    faults_per_minute: float | None = None,
    bring_ups: int | None = None,
) -> _Kind:
    """The experiment with factors of its topology, trials, seed, length, rate of faults or number of bring-ups changed, checked again.

    Raises:
        DefinitionError: the changed experiment contradicts itself, or a factor is varied by the experiment itself.
        FactorError: a factor that does not exist, or a value it can't take.
    """
    values = experiment.model_dump()
    if factors:
        topology = experiment.topology.override(factors)
        varied = experiment.varied
        for path in sorted(map(factor_path, factors)):
            if path in varied:
                raise DefinitionError(f"{path} is what {experiment.name} varies ({varied[path]} sets it); it can't be set from outside")
        values["topology"] = topology.model_dump()
    if bring_ups is not None and not isinstance(experiment, Experiment):
        raise DefinitionError(f"{experiment.name} is a capacity experiment, whose rounds share one bring-up; leave out --bring-ups")
    counts = {"trials": trials, "seed": seed, "bring_ups": bring_ups}
    values |= {name: value for name, value in counts.items() if value is not None}
    if measure_s is not None:
        holder = values["phases"] if isinstance(experiment, Experiment) else values
        holder["measure_s"] = measure_s
    if faults_per_minute is not None:
        values["treatments"] = _with_rate(experiment, faults_per_minute)
    try:
        return type(experiment).model_validate(values)
    except ValidationError as error:
        raise DefinitionError(f"{experiment.name}: {explain(error)}") from None


def _with_rate(experiment: BaseExperiment, faults_per_minute: float) -> list[dict[str, Any]]:
    treatments = [treatment.model_dump() for treatment in experiment.treatments] if isinstance(experiment, Experiment) else []
    by_chance = [treatment for treatment in treatments if treatment["chance"] is not None]
    if not by_chance:
        raise DefinitionError(f"{experiment.name} leaves no fault to chance, so there is no rate of faults to set; chaos does")
    for treatment in by_chance:
        treatment["chance"] |= {"per_minute": faults_per_minute}
    return treatments

"""An experiment of the catalog with some of it changed from the command line, checked anew."""

from __future__ import annotations

from typing import TypeVar

from pydantic import ValidationError

from experiments.definition.base import BaseExperiment, explain, factor_path
from experiments.definition.capacity import CapacityExperiment
from experiments.definition.experiment import Experiment
from experiments.errors import DefinitionError

AnyExperiment = Experiment | CapacityExperiment
"""What a catalog module may define."""

_Kind = TypeVar("_Kind", bound=BaseExperiment)


def changed(experiment: _Kind, *, factors: dict[str, str] | None = None, trials: int | None = None, seed: int | None = None) -> _Kind:
    """The experiment with factors of its topology, its trials or its seed changed, checked anew.

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
    if trials is not None:
        values["trials"] = trials
    if seed is not None:
        values["seed"] = seed
    try:
        return type(experiment).model_validate(values)
    except ValidationError as error:
        raise DefinitionError(f"{experiment.name}: {explain(error)}") from None

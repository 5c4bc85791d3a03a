"""The treatments that plan a single fault, as a matrix: what was struck by how it was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from experiments.definition import Experiment, Fault, FaultKind, LinkFault, LinkFaultKind, Treatment
from infra.links.conditions import Direction


@dataclass(frozen=True)
class Matrix:
    """Treatments by place and kind; several where only their details differ."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: Mapping[tuple[str, str], tuple[Treatment, ...]]

    @property
    def size(self) -> int:
        """Treatments in it."""
        return sum(map(len, self.cells.values()))


def matrices(experiment: Experiment) -> tuple[Matrix, Matrix]:
    """That of nodes and that of links; places in the order of the experiment, kinds in that of the definition."""
    nodes: dict[tuple[str, str], list[Treatment]] = defaultdict(list)
    links: dict[tuple[str, str], list[Treatment]] = defaultdict(list)
    for treatment in experiment.treatments:
        if len(treatment.faults) == 1:
            (fault,) = treatment.faults
            (links if isinstance(fault, LinkFault) else nodes)[fault.where, kind_of(fault)].append(treatment)
    link_kinds = [kind + way for kind in LinkFaultKind for way in ("", *(f", {direction}" for direction in Direction))]
    return _matrix(nodes, list(FaultKind)), _matrix(links, link_kinds)


def kind_of(fault: Fault | LinkFault) -> str:
    """The kind of a fault; of one that goes one way only, the way too."""
    if isinstance(fault, LinkFault) and fault.direction is not Direction.BOTH:
        return f"{fault.kind}, {fault.direction}"
    return fault.kind


def _matrix(cells: Mapping[tuple[str, str], list[Treatment]], kinds: list[str]) -> Matrix:
    used = {kind for _, kind in cells}
    return Matrix(
        rows=tuple(dict.fromkeys(where for where, _ in cells)),
        columns=tuple(str(kind) for kind in kinds if kind in used),
        cells={place: tuple(found) for place, found in cells.items()},
    )

"""The matrix of parts and faults."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import catalog
from experiments.definition import Experiment, Fault, FaultKind, LinkFault, LinkFaultKind, check_faults, parts, targets
from experiments.definition.faults import INSTANT, PARTS
from experiments.matrix import CONTROL, cell_name, matrix
from infra.topology import Topology

LINKS = ("gateway->courses-*", "*->cache")
counts = st.integers(1, 3)


def _topology(courses: int, students: int, enrollment: int, worker: int) -> Topology:
    replicas = {"courses": courses, "students": students, "enrollment": enrollment, "worker": worker}
    return Topology().override({"links": True} | {f"{group}.replicas": count for group, count in replicas.items()})


@given(st.builds(_topology, counts, counts, counts, counts))
def test_every_cell_can_be_carried_out(topology: Topology) -> None:
    """Each has one fault, which the checks of a written plan let pass, and a name of its own."""
    cells = matrix(topology, links=LINKS, at_s=4, duration_s=2)
    assert cells[0] == CONTROL
    assert len({cell.name for cell in cells}) == len(cells)
    for cell in cells[1:]:
        check_faults(cell.faults, topology, 10)
        (fault,) = cell.faults
        assert fault.duration_s == (0 if fault.kind in INSTANT else 2)


@given(st.builds(_topology, counts, counts, counts, counts))
def test_nothing_is_left_out(topology: Topology) -> None:
    """Each node, or another replica of its group, meets each kind that applies to it, alone or with its group; each link each kind."""
    faults = [fault for cell in matrix(topology, links=LINKS, at_s=4, duration_s=2) for fault in cell.faults]
    met = {(kind, part) for kind in FaultKind for part in PARTS[kind]}
    assert {(fault.kind, parts(topology)[targets(fault, topology)[0]]) for fault in faults if isinstance(fault, Fault)} == met
    struck = {name for fault in faults if isinstance(fault, Fault) for name in targets(fault, topology)}
    assert struck == set(parts(topology))
    assert {(fault.kind, fault.link) for fault in faults if isinstance(fault, LinkFault)} == {
        (kind, link) for kind in LinkFaultKind for link in LINKS
    }


@pytest.mark.parametrize(
    ("kind", "where", "name"),
    [
        (FaultKind.CRASH, "courses-1", "crash_courses_1"),
        (FaultKind.STOP, "courses-*", "stop_courses_all"),
        (FaultKind.DISK_FULL, "enrollment-db", "disk_full_enrollment_db"),
        (LinkFaultKind.SILENT, "courses-*->courses-db", "silent_courses_to_courses_db"),
        (LinkFaultKind.RESET, "*->cache", "reset_all_to_cache"),
    ],
)
def test_cells_are_called_by_what_is_done_to_what(kind: FaultKind | LinkFaultKind, where: str, name: str) -> None:
    """Every replica of a group is all of it."""
    assert cell_name(kind, where) == name


def test_the_smoke_test_is_a_part_of_the_matrix() -> None:
    """With a part of each kind, a control, and claims of its own cells only."""
    whole, smoke = catalog.load("resilience"), catalog.load("resilience_smoke")
    assert isinstance(whole, Experiment)
    assert isinstance(smoke, Experiment)
    assert Experiment.model_validate(smoke.model_dump()) == smoke  # a copy with changes is checked too
    assert all(cell in whole.treatments for cell in smoke.treatments)
    assert CONTROL in smoke.treatments
    known = parts(smoke.topology)
    struck = {
        known[name]
        for cell in smoke.treatments
        for fault in cell.faults
        if isinstance(fault, Fault)
        for name in targets(fault, smoke.topology)
    }
    assert struck == set(known.values())
    assert {fault.kind for cell in smoke.treatments for fault in cell.faults if isinstance(fault, LinkFault)}

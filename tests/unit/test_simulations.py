"""The simulations run, and are the same every time."""

from __future__ import annotations

import pytest

from tests.simulations.cli import simulations
from tests.simulations.tables import Table, as_text


@pytest.mark.parametrize("name", simulations())
def test_a_simulation_gives_the_same_whole_table_every_time(name: str) -> None:
    """Three experiments a cell are enough to see that no cell is missing and that the seeds are fixed."""
    simulation = simulations()[name]
    table = simulation.simulate(3)
    assert table.rows
    assert {len(row) for row in table.rows} == {len(table.header)}
    assert simulation.simulate(3) == table
    assert simulation.__doc__


def test_a_table_is_aligned_text() -> None:
    """Numbers stand under each other."""
    text = as_text(Table("Title", ("n", "found"), (("5", "1.0"), ("10", "12.5")), "A note."))
    assert text.splitlines() == ["Title", "", "n   found", "--  -----", "5     1.0", "10   12.5", "", "A note."]

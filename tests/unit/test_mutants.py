"""The planted bugs fit today's product."""

from __future__ import annotations

import compileall
from pathlib import Path

import pytest

from tests.mutants.mutants import MUTANTS, REPOSITORY, Change, Mutant, StaleMutantError, plant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_bug_can_be_planted(mutant: Mutant, tmp_path: Path) -> None:
    """What is planted is Python, and differs from the product in just the files that are said."""
    plant(mutant, tmp_path)
    assert compileall.compile_dir(tmp_path, quiet=1)
    product = REPOSITORY / "app"
    changed = {
        str(path.relative_to(product))
        for path in product.rglob("*.py")
        if path.read_bytes() != (tmp_path / "app" / path.relative_to(product)).read_bytes()
    }
    assert changed == {change.file for change in mutant.changes}


def test_a_bug_that_fits_no_more_is_no_bug(tmp_path: Path) -> None:
    """Its text has to stand in the product exactly once."""
    with pytest.raises(StaleMutantError, match="0 times"):
        plant(Mutant("stale", "none", "servers", (Change("kit/cache.py", "no such text", ""),)), tmp_path)


def test_no_two_bugs_have_one_name() -> None:
    """A bug is known by its name."""
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 15

"""The CPU hog ends by itself, whatever becomes of who started it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from experiments.faults import hog

REPOSITORY = Path(__file__).resolve().parents[4]
PATIENCE_S = 60.0


@pytest.mark.parametrize(("seconds", "parent_goes"), [(3600, True), (0.1, False)], ids=["parent gone", "time up"])
def test_a_hog_ends(seconds: float, parent_goes: bool) -> None:  # noqa: FBT001 - one of two cases
    """The end of its standard input is its parent's end; and its time is bounded even if the parent lives."""
    command = [sys.executable, "-m", hog.__name__, "label", "0", str(seconds)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE) as child:
        try:
            assert child.stdin is not None
            if parent_goes:
                child.stdin.close()
            assert child.wait(PATIENCE_S) == 0
        finally:
            child.kill()

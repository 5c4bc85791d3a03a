"""The session of planted bugs as a user starts it: one that is easily found, the product beside it, and what Ctrl-C leaves."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from infra import operations
from tests.end_to_end.conftest import Bench, wait_until
from tests.integration.infra import traces
from tests.mutants.mutants import REPOSITORY
from tests.mutants.running import DEPLOYMENT

BUG = "prerequisites_not_checked"


@pytest.mark.timeout(600)  # two deployments, one after the other
def test_a_planted_bug_is_found_and_the_product_is_not_accused(bench: Bench, tmp_path: Path) -> None:
    """By the invariant that it breaks; exit status 0, both runs written down, and nothing left."""
    file = tmp_path / "verdicts.json"
    with _started(bench, BUG, "--write", str(file)) as process:
        output, errors = process.communicate()
    assert (process.returncode, errors) == (0, ""), output
    product, bug = json.loads(file.read_text(encoding="utf-8"))["runs"]
    assert (product["subject"], product["failed"]) == ("the product", [])
    assert (bug["subject"], bug["failed"]) == (BUG, ["prerequisites_held"])
    assert bug["proven_s"] > 0
    assert operations.names() == []


def test_ctrl_c_leaves_nothing(bench: Bench, tmp_path: Path) -> None:
    """No process, port, segment or folder of the deployment, and no planted copy."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    bench.environment["TMPDIR"] = str(temporary)
    with _started(bench, BUG, "--clean", "0") as process:
        wait_until(lambda: any((bench.runs_dir / "mutants").rglob("schedule.parquet")), "the load")
        left = traces.of(operations.read(DEPLOYMENT))
        assert any(temporary.rglob("app"))
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    assert (process.returncode, errors) == (130, "")
    assert left.left() == []
    assert list(temporary.iterdir()) == []


def _started(bench: Bench, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.mutants", *arguments],
        cwd=REPOSITORY,
        env={**bench.environment, "SPIRELAB_RUNS_DIR": str(bench.runs_dir), "SPIRELAB_DEPLOYMENT": DEPLOYMENT},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

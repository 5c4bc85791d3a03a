"""Runs Schemathesis by its command line, and counts what it did."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.measured import Fuzzing

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TIMEOUT_S = 280


def run(target: str, document_url: str, folder: Path, *, hooks: str, arguments: Sequence[str] = ()) -> Fuzzing:
    """Test the API that the document describes; the reports go to ``folder``."""
    report, events = folder / "report.json", folder / "events.ndjson"
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml"), "run", document_url]
    reports = ["--no-color", "--report-json-path", str(report), "--report-ndjson-path", str(events)]
    environment = {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "HOME": str(folder),
        "NO_PROXY": "127.0.0.1",
        "PYTHONPATH": str(ROOT),
        "SCHEMATHESIS_HOOKS": str(HERE / hooks),
    }
    done = subprocess.run(
        [*command, *arguments, *reports], check=False, cwd=folder, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S
    )
    text = done.stdout + done.stderr
    assert report.is_file(), text
    told = json.loads(report.read_text(encoding="utf-8"))
    return Fuzzing(
        target=target,
        operations=told["operations"]["selected"],
        operations_tested=told["operations"]["tested"],
        cases=told["test_cases"]["generated"],
        checks=_checks(events),
        failures=told["test_cases"]["unique_failures"],
        dropped=told["filtered"],
        passed=done.returncode == 0 and told["complete"],
        text=text,
    )


def _checks(events: Path) -> int:
    """How often an answer was judged by a check."""
    finished = (json.loads(line).get("ScenarioFinished") for line in events.read_text(encoding="utf-8").splitlines())
    return sum(len(checks) for scenario in finished if scenario for checks in scenario["recorder"].get("checks", {}).values())

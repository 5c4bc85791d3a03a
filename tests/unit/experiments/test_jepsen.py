"""The export in Jepsen's form, read back as elle-cli reads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.definition import Operation
from experiments.errors import RecordError
from experiments.jepsen import SET_FILE, export, histories
from experiments.records.files import HISTORY_FILE, read_run
from experiments.records.history import FaultEvent
from tests.unit.experiments.invariants.model import Run
from tests.unit.experiments.invariants.scripts import COURSE, Script
from tests.unit.experiments.test_records import write_sample

REGISTER_FILE = f"capacity-{COURSE}.json"


def _script() -> Script:
    script = Script()
    script.before(capacity=2)
    script.enroll("a", 1, 1, 2)
    process = script.enroll("b", 2, 3, 4, "unknown")
    script.enroll("b", 2, 5, 6, process=process)
    script.enroll("c", 3, 7, 8, "fail")
    script.enroll("d", 4, 9, None)
    script.update(3, 10, 11, version=2)
    script.update(4, 12, 13, "unknown")
    script.op(Operation.READ_SEATS, 14, 15, course=COURSE, capacity=3, taken=1, free=2)
    script.row("a", 1, "enrolled")
    script.row("ghost", 9, "enrolled")
    script.events.append(FaultEvent(at_s=2.5, step="begin", kind="crash", node="courses-1"))
    script.finish()
    return script


def _lines(operations: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(operation["type"], operation["f"], operation["value"]) for operation in operations]


def test_requests_are_a_set_and_what_is_there_in_the_end_is_its_read() -> None:
    """One that was sent twice is added once, one of unknown fate is info, a ghost is an element that nobody added."""
    assert _lines(list(histories(_script().history)[SET_FILE])) == [
        ("invoke", "add", 0),
        ("ok", "add", 0),
        ("info", "crash-begin", "courses-1"),
        ("invoke", "add", 1),
        ("ok", "add", 1),
        ("invoke", "add", 2),
        ("fail", "add", 2),
        ("invoke", "add", 3),
        ("invoke", "read", None),
        ("ok", "read", [-2, 0]),
    ]


def test_a_course_s_capacity_is_a_register() -> None:
    """What it had before is its first write."""
    assert _lines(list(histories(_script().history)[REGISTER_FILE])) == [
        ("invoke", "write", 2),
        ("ok", "write", 2),
        ("info", "crash-begin", "courses-1"),
        ("invoke", "write", 3),
        ("ok", "write", 3),
        ("invoke", "write", 4),
        ("info", "write", 4),
        ("invoke", "read", None),
        ("ok", "read", 3),
    ]


@given(seed=st.integers(0, 2**32))
@settings(deadline=None, max_examples=30)
def test_every_export_is_well_formed(seed: int) -> None:
    """Indices count from 0, times never go back, and a process invokes once and ends at most once, after that."""
    for operations in histories(Run(seed).history).values():
        assert [operation["index"] for operation in operations] == list(range(len(operations)))
        times = [operation["time"] for operation in operations]
        assert times == sorted(times)
        assert times[0] == 0
        by_process: dict[int, list[str]] = {}
        for operation in operations:
            assert set(operation) == {"type", "f", "value", "process", "time", "index"}
            by_process.setdefault(operation["process"], []).append(operation["type"])
        assert all(types[0] == "invoke" and types[1:] in ([], ["ok"], ["fail"], ["info"]) for types in by_process.values())


def test_the_files_of_a_run_read_back(tmp_path: Path) -> None:
    """Each is one JSON array, in a folder of its trial."""
    run = write_sample(tmp_path, history=_script().history.events)
    files = export(read_run(run), tmp_path / "out")
    (trial,) = read_run(run).trial_paths()
    assert [file.relative_to(tmp_path / "out").as_posix() for file in files] == [
        f"{trial.name}/{SET_FILE}",
        f"{trial.name}/{REGISTER_FILE}",
    ]
    for file in files:
        assert json.loads(file.read_text(encoding="utf-8")) == list(histories(_script().history)[file.name])


def test_a_run_without_histories_says_so(tmp_path: Path) -> None:
    """Runs from before there were histories can't be exported."""
    run = write_sample(tmp_path)
    (trial,) = read_run(run).trial_paths()
    (trial / HISTORY_FILE).unlink()
    with pytest.raises(RecordError, match="runs from before there were histories have none"):
        export(read_run(run), tmp_path / "out")

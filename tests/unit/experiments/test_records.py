"""The run directory: what is written is what is read, and damage is named."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from experiments.definition import Experiment, Fault, Operation, Phase, Treatment
from experiments.errors import RecordError
from experiments.records.files import Trial, read_run, read_trial, read_trial_history, write_run, write_trial
from experiments.records.history import Event, Mark
from experiments.records.schema import (
    METRICS,
    REQUEST_SCHEMA,
    SAMPLE_SCHEMA,
    CourseState,
    FaultRecord,
    InvariantRecord,
    PhaseRecord,
    PlannedTrial,
    Provenance,
    RunRecord,
    ServerVersion,
    StateRecord,
    TrialRecord,
)
from infra.topology import Topology

PLANNED = PlannedTrial(position=0, block=0, treatment="plain", seed=5)
RUN = RunRecord(
    run_id="20261122T120000Z-sample",
    experiment=Experiment(
        name="sample",
        title="A sample",
        question="Is it read back?",
        treatments=(Treatment(name="plain", title="plain"),),
        mix={Operation.READ_COURSE: 1.0},
    ),
    plan=(PLANNED,),
    command="nox -s bench -- sample",
    started_at=datetime(2026, 11, 22, 12, tzinfo=UTC),
    provenance=Provenance(
        target="process",
        engine="embedded",
        cpu_model="a CPU",
        cpu_count=2,
        memory_bytes=2**30,
        kernel="6.1",
        operating_system="Debian",
        python="3.11",
        packages={"fastapi": "1"},
        servers=(ServerVersion(name="postgresql", version="15"),),
        git_commit=None,
        git_dirty=None,
        load_generator="locust",
    ),
)
TRIAL = Trial(
    record=TrialRecord(
        trial_id=PLANNED.trial_id,
        position=0,
        block=0,
        treatment="plain",
        seed=5,
        epoch_unix_s=1.0,
        phases=(PhaseRecord(phase=Phase.MEASURE, start_s=0, end_s=1),),
        topology=Topology(),
        faults=(
            FaultRecord(planned=Fault(node="courses-1", at_s=0.2, duration_s=0.1), injected_s=0.2, proof="gone", healed_s=0.3, ready_s=0.5),
        ),
        offered=1,
        slip_p99_ms=0.4,
        valid=True,
        reasons=(),
        invariants=(InvariantRecord(name="no_loss", verdict="pass", detail="1 of 1"),),
    ),
    state=StateRecord(
        settled=True,
        courses=(CourseState(course_id=1, capacity=2, taken=1, enrolled=1),),
        outcomes={"enrolled": 1},
        rejections={},
    ),
    requests=pa.Table.from_pylist(
        [
            {
                "intended_s": 0.0,
                "sent_s": 0.001,
                "ended_s": 0.004,
                "phase": "measure",
                "operation": "read_course",
                "outcome": "ok",
                "status": 200,
                "replica": "courses-1",
                "cache": None,
                "enrollment_id": None,
            }
        ],
        schema=REQUEST_SCHEMA,
    ),
    samples=pa.Table.from_pylist([{"at_s": 0.5, "node": "courses-1", "metric": "cpu_seconds", "value": 1.25}], schema=SAMPLE_SCHEMA),
)


def write_sample(folder: Path, *, history: Sequence[Event] = ()) -> Path:
    """A run of one trial."""
    path = folder / RUN.run_id
    write_run(path, RUN)
    write_trial(path, TRIAL, history)
    return path


def test_a_run_reads_back_as_it_waswrite_sample(tmp_path: Path) -> None:
    """Writing and reading a run loses nothing."""
    run = read_run(write_sample(tmp_path))
    assert run.record == RUN
    (trial,) = run.trials()
    assert (trial.record, trial.state) == (TRIAL.record, TRIAL.state)
    assert trial.requests.equals(TRIAL.requests)
    assert trial.samples.equals(TRIAL.samples)


def test_a_run_from_before_there_were_kinds_is_one_of_trials(tmp_path: Path) -> None:
    """It doesn't say its kind."""
    file = write_sample(tmp_path) / "run.json"
    values = json.loads(file.read_text(encoding="utf-8"))
    del values["kind"]
    file.write_text(json.dumps(values), encoding="utf-8")
    assert read_run(file.parent).record == RUN


def test_a_run_of_the_first_format_is_read(tmp_path: Path) -> None:
    """It has no history, and its invariants have neither counts nor witnesses; none of them is called vacuous."""
    path = write_sample(tmp_path)
    (trial,) = read_run(path).trial_paths()
    (trial / "history.jsonl.zst").unlink()
    for file in (path / "run.json", trial / "trial.json"):
        values = json.loads(file.read_text(encoding="utf-8"))
        if "format_version" in values:
            values["format_version"] = 1
        for invariant in values.get("invariants", ()):
            del invariant["evidence"], invariant["witness"]
        file.write_text(json.dumps(values), encoding="utf-8")
    run = read_run(path)
    assert run.record.format_version == 1
    (read,) = run.trials()
    assert read.record == TRIAL.record
    assert not read.record.invariants[0].is_vacuous


def test_the_history_of_a_trial_is_read_by_itself(tmp_path: Path) -> None:
    """It is large, and who wants verdicts doesn't need it."""
    history = (Mark(at_s=1, name="quiet"),)
    (trial,) = read_run(write_sample(tmp_path, history=history)).trial_paths()
    assert read_trial_history(trial) == history


@pytest.mark.parametrize(
    ("verdict", "evidence", "expected"),
    [("unknown", {"reads": 0}, True), ("unknown", {"reads": 1}, False), ("unknown", {}, False), ("pass", {"reads": 0}, False)],
)
def test_a_verdict_without_anything_to_check_is_vacuous(
    verdict: Literal["pass", "unknown"], evidence: dict[str, int], *, expected: bool
) -> None:
    """Only where the checker counted and found nothing."""
    assert InvariantRecord(name="a", verdict=verdict, detail="", evidence=evidence).is_vacuous is expected


def test_a_trial_that_was_cut_off_is_not_listed(tmp_path: Path) -> None:
    """A folder that was not renamed to its final name is no trial."""
    path = write_sample(tmp_path)
    (path / "trials" / PLANNED.trial_id).rename(path / "trials" / f".{PLANNED.trial_id}.partial")
    assert read_run(path).trial_paths() == ()


def test_a_run_without_trials_is_readable(tmp_path: Path) -> None:
    """A run that was interrupted at once is a run with no trials."""
    write_run(tmp_path / "run", RUN)
    assert list(read_run(tmp_path / "run").trials()) == []


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("run.json", None, "run.json: missing"),
        ("run.json", "{", "not readable as JSON"),
        ("run.json", "[]", "format_version is None"),
        ("run.json", '{"format_version": 99}', "format_version is 99 and this program reads 1 and 2"),
        ("run.json", '{"format_version": 1}', "run_id"),
        (f"trials/{PLANNED.trial_id}/trial.json", None, "trial.json: missing"),
        (f"trials/{PLANNED.trial_id}/state.json", "{}", "settled"),
        (f"trials/{PLANNED.trial_id}/requests.parquet", "junk", "not Parquet with the documented columns"),
        (f"trials/{PLANNED.trial_id}/samples.parquet", None, "samples.parquet: missing"),
    ],
)
def test_damage_is_named_by_file(tmp_path: Path, file: str, content: str | None, says: str) -> None:
    """A missing or damaged file is named, in one line."""
    path = write_sample(tmp_path)
    (path / file).unlink() if content is None else (path / file).write_text(content, encoding="utf-8")
    with pytest.raises(RecordError) as caught:
        list(read_run(path).trials())
    assert says in str(caught.value)
    assert str(path / file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_table_without_a_column_is_refused(tmp_path: Path) -> None:
    """A table of another version is not half-read."""
    path = write_sample(tmp_path)
    trial = path / "trials" / PLANNED.trial_id
    pq.write_table(TRIAL.requests.drop_columns(["replica"]), trial / "requests.parquet")
    with pytest.raises(RecordError, match="has no column replica"):
        read_trial(trial)


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    """A path that does not exist is said to be no run directory."""
    with pytest.raises(RecordError, match="no such run directory"):
        read_run(tmp_path / "nowhere")


def test_every_column_and_metric_is_documented() -> None:
    """Fields are documented one by one."""
    assert all(field.metadata[b"doc"] for schema in (REQUEST_SCHEMA, SAMPLE_SCHEMA) for field in schema)
    assert all(spec.doc and spec.unit for spec in METRICS.values())

"""Journals and histories: what is appended is what is read, whoever is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.definition import Operation
from experiments.errors import RecordError
from experiments.records.history import Completion, Decision, EnrollmentRow, Event, FaultEvent, Invoke, Mark
from experiments.records.journal import Journal, merged, read_history, read_journal, write_history

REPOSITORY = Path(__file__).resolve().parents[3]
EVENTS: tuple[Event, ...] = (
    Invoke(at_s=0.25, process=3, f=Operation.ENROLL, student=1, course=2, key="k", digest="d"),
    Completion(type="unknown", at_s=1.5, process=3, f=Operation.ENROLL, error="timeout"),
    FaultEvent(at_s=2, step="proven", kind="crash", node="courses-1", detail="process 7 gone"),
    Mark(at_s=3, name="quiet"),
    EnrollmentRow(
        at_s=5,
        began_s=4,
        moment="final",
        source="api",
        enrollment="e",
        state="enrolled",
        decision=Decision(taken=0, capacity=1, prerequisites=("CS101",), completed_courses=()),
    ),
)
WRITER = """
import sys
from pathlib import Path
from experiments.records.history import Mark
from experiments.records.journal import Journal
journal = Journal(Path(sys.argv[1]))
print("ready", flush=True)
for number in range(10**9):
    journal.append(Mark(at_s=number, name="measure"))
"""


def test_what_is_appended_is_what_is_read(tmp_path: Path) -> None:
    """Also after it was opened again, and whichever way it was appended."""
    file = tmp_path / "lab.jsonl"
    with Journal(file) as journal:
        journal.append(*EVENTS[:2])
    with Journal(file) as journal:
        journal.append(EVENTS[2])
        journal.append_values({"type": "mark", "at_s": 3, "name": "quiet"})
        journal.append(EVENTS[4])
    read = read_journal(file)
    assert read.events == EVENTS
    assert not read.is_cut_off


def test_a_journal_that_was_never_begun_is_empty(tmp_path: Path) -> None:
    """Its writer died before."""
    assert read_journal(tmp_path / "nothing.jsonl").events == ()


@pytest.mark.parametrize("lost", [1, 2, 20])
def test_a_line_that_is_cut_off_is_left_out_and_said(tmp_path: Path, lost: int) -> None:
    """All lines before it are there, even where the last one lacks nothing but its end."""
    file = tmp_path / "load.jsonl"
    with Journal(file) as journal:
        journal.append(*EVENTS)
    os.truncate(file, file.stat().st_size - lost)
    read = read_journal(file)
    assert read.events == EVENTS[:-1]
    assert read.is_cut_off


def test_a_line_in_the_middle_that_is_damaged_is_named(tmp_path: Path) -> None:
    """No kill does that, so the file was changed."""
    file = tmp_path / "load.jsonl"
    file.write_text('{"type":"mark","at_s":1,"name":"quiet"}\n{"type":"mark","at_s":\n{"type":"mark","at_s":1,"name":"quiet"}\n')
    with pytest.raises(RecordError, match=r"load\.jsonl: line 2: .*restore it or delete the trial"):
        read_journal(file)


def test_a_writer_that_is_killed_leaves_every_line_but_the_last(tmp_path: Path) -> None:
    """SIGKILL in the middle of its writing: the numbers that are there are all from 0 on."""
    file = tmp_path / "load.jsonl"
    with subprocess.Popen([sys.executable, "-c", WRITER, str(file)], stdout=subprocess.PIPE, cwd=REPOSITORY) as writer:
        try:
            assert writer.stdout is not None
            writer.stdout.readline()
            while not file.stat().st_size:
                pass
        finally:
            writer.send_signal(signal.SIGKILL)
    read = read_journal(file)
    assert [event.at_s for event in read.events] == list(range(len(read.events)))
    assert len(read.events) > 0


def test_journals_are_merged_by_time() -> None:
    """At the same time what is given first comes first, so that an end never comes before its invocation."""
    early, late = Mark(at_s=1, name="measure"), Mark(at_s=3, name="load_over")
    assert merged([late], EVENTS, [early]) == (EVENTS[0], early, EVENTS[1], EVENTS[2], late, EVENTS[3], EVENTS[4])
    same = [Mark(at_s=1, name="load_over"), Mark(at_s=1, name="healed")]
    assert list(merged(same)) == same


def test_a_history_reads_back_as_it_was_written(tmp_path: Path) -> None:
    """One file, compressed."""
    write_history(tmp_path / "history.jsonl.zst", EVENTS)
    assert read_history(tmp_path / "history.jsonl.zst") == EVENTS


@pytest.mark.parametrize(
    ("content", "says"), [(None, "missing; runs from before there were histories have none"), (b"junk", "not readable")]
)
def test_a_history_that_can_not_be_read_is_named(tmp_path: Path, content: bytes | None, says: str) -> None:
    """In one line."""
    file = tmp_path / "history.jsonl.zst"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(RecordError, match=says) as caught:
        read_history(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)

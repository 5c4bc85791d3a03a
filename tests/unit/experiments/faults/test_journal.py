"""The journal: what is broken at this moment, for whoever heals it later."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments.definition import Fault, FaultKind, LinkFault, LinkFaultKind
from experiments.errors import FaultError
from experiments.faults.journal import FILE_NAME, FileJournal

CRASH = Fault(kind=FaultKind.CRASH, node="courses-1", duration_s=3)
LATENCY = LinkFault(kind=LinkFaultKind.LATENCY, link="*->cache", latency_ms=50, duration_s=3)


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / FILE_NAME


def test_another_reader_finds_what_was_entered_in_order(path: Path) -> None:
    """Faults of nodes and of links come back as they were, with their targets."""
    FileJournal(path).enter(CRASH, ("courses-1",))
    FileJournal(path).enter(LATENCY, ("courses-1->cache", "students-1->cache"))
    entries = list(FileJournal(path).entries().values())
    assert [entry.fault for entry in entries] == [CRASH, LATENCY]
    assert entries[1].targets == ("courses-1->cache", "students-1->cache")


def test_what_is_healed_is_no_longer_there(path: Path) -> None:
    """Removing one entry leaves the others, and removing it again is harmless."""
    journal = FileJournal(path)
    key = journal.enter(CRASH, ("courses-1",))
    journal.enter(LATENCY, ("courses-1->cache",))
    journal.remove(key)
    journal.remove(key)
    assert [entry.fault for entry in journal.entries().values()] == [LATENCY]


def test_no_file_is_an_empty_journal(path: Path) -> None:
    """Where nothing was ever broken there is nothing to heal, and forgetting it is harmless."""
    FileJournal(path).forget()
    assert FileJournal(path).entries() == {}


def test_an_entry_knows_whether_its_lab_is_alive(path: Path) -> None:
    """The same pid with another start time is another process."""
    FileJournal(path).enter(CRASH, ("courses-1",))
    (entry,) = FileJournal(path).entries().values()
    assert entry.has_living_owner
    assert not entry.model_copy(update={"process_started_unix_s": entry.process_started_unix_s - 100}).has_living_owner


def test_a_file_that_is_no_journal_is_refused(path: Path) -> None:
    """The sentence names the file and how to get rid of it."""
    path.write_text(json.dumps({"key": {"fault": "rain"}}))
    with pytest.raises(FaultError, match=f"{FILE_NAME} is no journal"):
        FileJournal(path).entries()

"""The manifest: a digest of each file of a run, kept up as they are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.errors import RecordError
from experiments.records.contents import contents
from experiments.records.files import SHRUNK_SUFFIX, TRIAL_FILES, TRIES_FOLDER, read_run, write_run
from experiments.records.manifest import MANIFEST_FILE, deviations, digest, read_manifest
from tests.unit.experiments.test_records import PLANNED, RUN, write_sample

TRIAL = f"trials/{PLANNED.trial_id}"


def test_every_file_of_a_run_has_its_digest(tmp_path: Path) -> None:
    """The run's record and all files of each trial, by their paths within the run."""
    path = write_sample(tmp_path)
    manifest = read_manifest(path)
    assert manifest is not None
    assert set(manifest.files) == {"run.json", *(f"{TRIAL}/{name}" for name in TRIAL_FILES)}
    assert all(digest(path / name) == value for name, value in manifest.files.items())
    assert deviations(path, manifest, contents(read_run(path)).files).is_none


def test_a_digest_is_the_sha_256_of_the_content(tmp_path: Path) -> None:
    """The known answer for three letters (FIPS 180-2, appendix B.1)."""
    (tmp_path / "file").write_bytes(b"abc")
    assert digest(tmp_path / "file") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_file_that_is_written_again_has_its_new_digest(tmp_path: Path) -> None:
    """The others keep theirs."""
    path = write_sample(tmp_path)
    before = read_manifest(path)
    write_run(path, RUN.model_copy(update={"status": "finished"}))
    after = read_manifest(path)
    assert before is not None
    assert after is not None
    assert {name for name, value in after.files.items() if before.files[name] != value} == {"run.json"}


def test_changed_missing_and_unlisted_files_are_told_apart(tmp_path: Path) -> None:
    """Each by its path within the run."""
    path = write_sample(tmp_path)
    manifest = read_manifest(path)
    assert manifest is not None
    (path / TRIAL / "state.json").write_text("{}", encoding="utf-8")
    (path / TRIAL / "samples.parquet").unlink()
    without = {name: value for name, value in manifest.files.items() if name != "run.json"}
    found = deviations(path, manifest.model_copy(update={"files": without}), contents(read_run(path)).files)
    assert (found.changed, found.missing, found.unlisted) == ((f"{TRIAL}/state.json",), (f"{TRIAL}/samples.parquet",), ("run.json",))


@pytest.mark.parametrize("content", ["", "[]", '{"files": {"run.json": "abc"}}', '{"manifest_version": 2}'])
def test_a_damaged_manifest_is_named(tmp_path: Path, content: str) -> None:
    """In one line."""
    path = write_sample(tmp_path)
    (path / MANIFEST_FILE).write_text(content, encoding="utf-8")
    with pytest.raises(RecordError, match=MANIFEST_FILE):
        read_manifest(path)


def test_what_is_no_part_of_a_run_is_told_from_its_files(tmp_path: Path) -> None:
    """What a search for fewer faults leaves and hidden files are expected; strangers are named."""
    path = write_sample(tmp_path)
    (path / TRIES_FOLDER).mkdir()
    for name in (
        f"{PLANNED.trial_id}{SHRUNK_SUFFIX}",
        ".DS_Store",
        "trials/.DS_Store",
        "trials/Thumbs.db",
        "notes.txt",
        f"{TRIAL}/plot.png",
    ):
        (path / name).write_text("", encoding="utf-8")
    found = contents(read_run(path))
    assert found.files == tuple(sorted({"run.json", *(f"{TRIAL}/{name}" for name in TRIAL_FILES)}))
    assert found.foreign == ("notes.txt", f"{TRIAL}/plot.png", "trials/Thumbs.db")


def test_a_trial_is_known_by_the_plan(tmp_path: Path) -> None:
    """A repeat of a planned one is a trial too; a copy, a file and one of another plan are not."""
    path = write_sample(tmp_path)
    (path / "trials" / "001-b0-plain-again1").mkdir()
    (path / "trials" / "002-b0-plain-again10").mkdir()
    strangers = ["000-b0-plain (copy)", "000-b1-plain", "001-b0-fancy-again1", "001-b0-plain", "001-b1-plain-again1"]
    for name in strangers:
        (path / "trials" / name).mkdir()
    (path / "trials" / "003-b0-plain-again11").write_text("", encoding="utf-8")
    run = read_run(path)
    assert [folder.name for folder in run.trial_paths()] == ["000-b0-plain", "001-b0-plain-again1", "002-b0-plain-again10"]
    assert [folder.name for folder in run.foreign_paths()] == sorted([*strangers, "003-b0-plain-again11"])

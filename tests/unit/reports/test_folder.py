"""Where a report goes: no other report and no file of a person's is ever replaced."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from reports.build import INDEX_FILE, build, build_index
from reports.cli import main
from reports.errors import ReportError
from reports.folder import read_summary, write_report
from reports.page.overview import ReportSummary
from tests.unit.reports.tampering import write_small_run


def _summary(*tables: str) -> bytes:
    return ReportSummary(runs=(), files=("report.html", *(f"tables/{name}.csv" for name in tables))).model_dump_json().encode()


def _files(*tables: str, content: bytes = b"x") -> dict[str, bytes]:
    return {"report.html": content, "report.json": _summary(*tables)} | {f"tables/{name}.csv": content for name in tables}


def _there(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_every_set_of_runs_has_a_report_of_its_own(tmp_path: Path) -> None:
    """Suites that begin with the same run too, and a run by itself."""
    first, second, third = (write_small_run(tmp_path, f"20261122T12000{number}Z-small") for number in range(3))
    built = [build(runs).path for runs in ([first, second], [first, third], [first])]
    assert len({path.parent for path in built}) == 3
    assert all(path.is_file() for path in built)
    assert build([first, second]).path == built[0]


def test_a_copy_of_a_run_has_a_report_of_its_own(tmp_path: Path) -> None:
    """Which is named like its folder, for its run id is that of the original."""
    original = write_small_run(tmp_path)
    copy = write_small_run(tmp_path / "other").rename(tmp_path / "copy")
    assert build([original]).path.parent != build([copy]).path.parent


def test_a_new_report_removes_what_the_last_one_left(tmp_path: Path) -> None:
    """Tables that are no longer made go; what a person put beside them stays."""
    write_report(tmp_path, _files("a", "b"))
    (tmp_path / "tables/mine.csv").write_text("1", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("1", encoding="utf-8")
    write_report(tmp_path, _files("b", "c", content=b"y"))
    assert _there(tmp_path) == {"report.html", "report.json", "tables/b.csv", "tables/c.csv", "tables/mine.csv", "notes.txt"}
    assert (tmp_path / "tables/b.csv").read_bytes() == b"y"


@pytest.mark.parametrize("name", ["report.html", "report.json", "tables/a.csv"])
def test_a_file_that_no_report_wrote_is_never_replaced(tmp_path: Path, name: str) -> None:
    """The report is refused and nothing is written."""
    (tmp_path / "tables").mkdir()
    (tmp_path / name).write_text("mine", encoding="utf-8")
    with pytest.raises(ReportError, match="--out"):
        write_report(tmp_path, _files("a"))
    assert _there(tmp_path) == {name}
    assert (tmp_path / name).read_text(encoding="utf-8") == "mine"


def test_a_report_of_another_folder_owns_nothing_outside_of_its_own(tmp_path: Path) -> None:
    """A summary that names a file elsewhere is not that of a report."""
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    out = tmp_path / "out"
    out.mkdir()
    (out / "report.json").write_text(json.dumps({"runs": [], "files": ["../mine.txt"]}), encoding="utf-8")
    with pytest.raises(ReportError, match="not that of a report"):
        write_report(out, _files())
    assert (tmp_path / "mine.txt").is_file()


def test_a_report_from_before_files_were_noted_is_replaced(tmp_path: Path) -> None:
    """Where the new one has files of the same names."""
    write_report(tmp_path, _files("a"))
    (tmp_path / "report.json").write_text('{"runs": []}', encoding="utf-8")
    write_report(tmp_path, _files("a", content=b"y"))
    assert (tmp_path / "tables/a.csv").read_bytes() == b"y"
    assert read_summary(tmp_path) == ReportSummary.model_validate_json(_summary("a"))


def test_a_build_that_is_killed_leaves_files_that_the_next_one_may_replace(tmp_path: Path) -> None:
    """The summary is there before what it names."""
    (tmp_path / "tables").write_text("in the way", encoding="utf-8")
    with pytest.raises(OSError, match="tables"):
        write_report(tmp_path, _files("a"))
    (tmp_path / "tables").unlink()
    write_report(tmp_path, _files("a"))
    assert _there(tmp_path) == {"report.html", "report.json", "tables/a.csv"}


def _in_the_way(runs_dir: Path) -> None:
    (runs_dir / INDEX_FILE).mkdir()


def _somebody_elses(runs_dir: Path) -> None:
    (runs_dir / INDEX_FILE).write_text("<h1>My page</h1>", encoding="utf-8")


@pytest.mark.parametrize(("obstacle", "expected"), [(_in_the_way, "can't be written"), (_somebody_elses, "is not a list of runs")])
def test_a_list_of_runs_that_can_not_be_written_is_a_note(tmp_path: Path, obstacle: Callable[[Path], None], expected: str) -> None:
    """The report was written, and that is what was asked for; whoever asks for the list gets an error."""
    run = write_small_run(tmp_path / "runs")
    obstacle(run.parent)
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()) as stderr:
        assert main(["build", str(run), "--out", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out/report.html").is_file()
    assert stderr.getvalue().startswith("note: ")
    assert expected in stderr.getvalue()
    with pytest.raises(ReportError, match=expected):
        build_index(run.parent)


def test_somebody_elses_page_stays_as_it_is(tmp_path: Path) -> None:
    """Only a list of runs is replaced by one."""
    run = write_small_run(tmp_path)
    _somebody_elses(tmp_path)
    build([run])
    assert (tmp_path / INDEX_FILE).read_text(encoding="utf-8") == "<h1>My page</h1>"
    (tmp_path / INDEX_FILE).unlink()
    assert build_index(tmp_path).read_bytes() == build_index(tmp_path).read_bytes()

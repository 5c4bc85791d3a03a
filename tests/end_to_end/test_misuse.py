"""Misuse: each mistake is one clear line on standard error and a non-zero exit, and nothing is started or half-made."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

EXAMPLE = (ROOT / "experiments" / "catalog" / "cache.py").read_text(encoding="utf-8")


def _run(arguments: list[str], folder: Path, variables: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SPIRELAB_")}
    environment = kept | {"SPIRELAB_STATE_DIR": str(folder / "state"), "SPIRELAB_RUNS_DIR": str(folder / "runs")} | dict(variables or {})
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)


def _is_one_clear_line(done: subprocess.CompletedProcess[str], says: str) -> None:
    assert done.returncode != 0, done.stdout
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, done.stderr
    assert says in lines[0]
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("infra up --set course.replicas=3", "did you mean courses.replicas?"),
        ("infra up --set courses.replicas=0", "courses.replicas=0"),
        ("infra up --set courses.replicas=many", "courses.replicas=many"),
        ("infra up --set =abc", "is not factor=value"),
        ("infra up --set courses.replicas", "is not factor=value"),
        ("infra up --set courses.replicas=8 --set courses.pool_size=64", "raise database.max_connections"),
        ("infra up --set gateway.port=40000", "gateway.port=40000"),
        ("infra up --name Not/A/Name", "Not/A/Name"),
        ("infra up --sett cache=off", "--sett"),
        ("infra start", "start"),
        ("infra status", "no deployment 'lab' is up"),
        ("infra logs courses-1", "courses-1"),
        ("experiments bench cash", "did you mean cache?"),
        ("experiments bench cache --set cache=on", "cache.enabled is what cache varies"),
        ("experiments bench cache --set courses.replica=2", "did you mean courses.replicas?"),
        ("experiments bench failover --set courses.replicas=1", "no node 'courses-2'"),
        ("experiments bench cache --trials 0", "trials"),
        ("experiments bench cache --seed -1", "seed"),
        ("experiments bench cache --budget soon", "budget"),
        ("experiments bench --file nowhere.py", "nowhere.py: there is no such file"),
        ("experiments bench cache --file nowhere.py", "name one or the other"),
        ("experiments bench cache --runs-dir /proc/runs", "/proc/runs"),
        ("reports build runs/never", "runs/never"),
        ("reports build tests", "tests/run.json: missing"),
        ("reports build", "RUN"),
    ],
)
def test_a_wrong_command_is_one_clear_line(arguments: str, says: str, tmp_path: Path) -> None:
    """A wrong command names what is wrong in one line and leaves nothing behind."""
    _is_one_clear_line(_run(arguments.split(), tmp_path), says)
    assert not list((tmp_path / "runs").glob("2*"))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("EXPERIMENT =", "EXPERIENCE ="), "defines no EXPERIMENT"),
        (("rate_per_s=", "rate_per_s=-"), "rate_per_s"),
        (("rate_per_s=", "rate_per_s=="), "NameError"),
        (("arrivals=", "arrivals=)"), "unmatched"),
        (('"cache": False', '"cach": False'), "there is no factor 'cach'"),
        (('numerator="off"', 'numerator="of"'), "names the treatment 'of'"),
        (("measure_s=", "speed=1, measure_s="), "speed"),
        (("from experiments.definition", "from experiments.definitions"), "experiments.definitions"),
    ],
)
def test_a_wrong_definition_is_one_clear_line(change: tuple[str, str], says: str, tmp_path: Path) -> None:
    """A wrong experiment of the user's own is named by file and key in one line."""
    assert change[0] in EXAMPLE
    file = tmp_path / "mine.py"
    file.write_text(EXAMPLE.replace(*change, 1), encoding="utf-8")
    done = _run(["experiments", "bench", "--file", str(file)], tmp_path)
    _is_one_clear_line(done, says)
    assert str(file) in done.stderr


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.socket() as listener:
        for port in range(20_000, 32_000):
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            break
        listener.listen()
        yield listener.getsockname()[1]


@pytest.fixture
def state_folder() -> Iterator[Path]:
    """A folder that also the user postgres can enter, which pytest's own folders don't let it."""
    with tempfile.TemporaryDirectory(prefix="spirelab-misuse-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.parametrize("factor", ["gateway.port", "broker.management_port"])
def test_a_taken_port_is_said_with_the_factor_to_change(factor: str, taken_port: int, state_folder: Path) -> None:
    """A port that is taken is named before anything is started, with the factor that changes it."""
    ports = {"gateway.port": 0, "broker.management_port": 0, factor: taken_port}
    settings = [word for name, port in ports.items() for word in ("--set", f"{name}={port}")]
    done = _run(["infra", "up", *settings], state_folder)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    error = done.stderr.strip().splitlines()[-1]
    assert error.startswith("error: ")
    assert str(taken_port) in error
    assert factor in error
    assert _run(["infra", "status"], state_folder).returncode != 0


def test_a_full_disk_is_said_before_anything_is_started(tmp_path: Path) -> None:
    """Where runs have no room, the bench says so before it deploys."""
    done = _run(["experiments", "bench", "cache"], tmp_path, {"SPIRELAB_FREE_SPACE_MIB": str(10**9)})
    _is_one_clear_line(done, "make room")


@pytest.mark.parametrize(
    ("arguments", "variable", "value"),
    [
        ("experiments bench cache", "SPIRELAB_SLIP_FLOOR_MS", "low"),
        ("infra up", "SPIRELAB_READY_TIMEOUT_S", "soon"),
    ],
)
def test_a_wrong_variable_is_one_clear_line(arguments: str, variable: str, value: str, tmp_path: Path) -> None:
    """A setting of the environment that can't be used is named."""
    done = _run(arguments.split(), tmp_path, {variable: value})
    _is_one_clear_line(done, value)
    assert variable.removeprefix("SPIRELAB_").lower() in done.stderr.lower()


@pytest.mark.parametrize(
    ("content", "says"),
    [("{", "not readable as JSON"), ('{"format_version": 7}', "format_version is 7"), ('{"format_version": 1}', "run_id")],
)
def test_a_damaged_run_is_named_by_file(content: str, says: str, tmp_path: Path) -> None:
    """A run directory that is damaged is named by its file, and no page is written."""
    run = tmp_path / "runs" / "20261122T120000Z-cache"
    run.mkdir(parents=True)
    (run / "run.json").write_text(content, encoding="utf-8")
    done = _run(["reports", "build", str(run)], tmp_path)
    _is_one_clear_line(done, says)
    assert "run.json" in done.stderr
    assert not list(tmp_path.rglob("*.html"))

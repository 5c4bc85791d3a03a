"""Where a run comes from."""

from __future__ import annotations

import platform
import socket
import subprocess
from pathlib import Path

import pytest

from experiments.provenance import collect, cpu_model, git_state, operating_system
from infra.topology import Topology
from tests.fakes.bench import deployment


@pytest.mark.parametrize(("text", "expected"), [("processor\t: 0\nmodel name\t: Xeon: fast\n", "Xeon: fast"), ("", platform.machine())])
def test_the_processor_is_named(text: str, expected: str) -> None:
    """By the kernel's words, or by its architecture where there are none."""
    assert cpu_model(text) == expected


@pytest.mark.parametrize(("text", "expected"), [('NAME=x\nPRETTY_NAME="Debian 12"\n', "Debian 12"), ("", platform.system())])
def test_the_operating_system_is_named(text: str, expected: str) -> None:
    """By its own words, or by its kernel."""
    assert operating_system(text) == expected


def _git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)  # noqa: S607 - git is where PATH says


def test_the_commit_is_named_and_whether_files_differ(tmp_path: Path) -> None:
    """Without a repository or a commit neither is known."""
    assert git_state(tmp_path) == (None, None)
    _git(tmp_path, "init")
    assert git_state(tmp_path) == (None, None)
    _git(tmp_path, "commit", "--allow-empty", "-m", "first")
    commit, dirty = git_state(tmp_path)
    assert commit is not None
    assert dirty is False
    (tmp_path / "new").write_text("")
    assert git_state(tmp_path) == (commit, True)


def test_nothing_of_the_machine_s_identity_is_recorded(tmp_path: Path) -> None:
    """Neither its name nor a path of it, and no secret of the deployment."""
    record = collect(deployment(Topology()), servers={"redis": "7.0"}, load_generator="fake 1.0", repository=tmp_path).model_dump_json()
    for private in (socket.gethostname(), str(Path.home()), str(tmp_path), str(Path.cwd())):
        assert f'"{private}' not in record
    assert '"redis"' in record
    assert '"numpy"' in record

"""The real Pulumi engine on the process target; the tests of one deployment run in this order and share it."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from infra import operations
from infra.engines.engine import Action, Change
from infra.errors import InfraError
from infra.settings import REPOSITORY
from tests.conftest import FREE_PORTS, unique_name
from tests.integration.infra import traces
from tests.integration.infra.lives import lives

pytestmark = [pytest.mark.usefixtures("pulumi_cli"), pytest.mark.timeout(1800)]  # the CLI may have to be built first
SCALED = FREE_PORTS.override({"courses.replicas": 3})
BY_COMMAND = ["--set", "gateway.port=0", "--set", "broker.management_port=0"]
PATIENCE_S = 120.0


@pytest.fixture(scope="module")
def shared() -> Iterator[str]:
    """The name of a deployment that is up, made by the real engine."""
    name = unique_name()
    try:
        operations.up(name, FREE_PORTS, engine="pulumi", owner=True)
        yield name
    finally:
        operations.down(name, volumes=True)


@pytest.fixture
def name() -> Iterator[str]:
    """A name that is free, and is so again afterwards."""
    name = unique_name()
    yield name
    operations.down(name, volumes=True)


def clis(name: str) -> list[psutil.Process]:
    """The Pulumi CLIs that are at work on a deployment, and their plugins."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if str(traces.folder_of(name) / "pulumi") in process.environ().get("PULUMI_BACKEND_URL", ""):
                found.append(process)
    return found


def locks(name: str) -> list[Path]:
    """The locks of the stack in its own state."""
    return list((traces.folder_of(name) / "pulumi" / "state" / ".pulumi" / "locks").rglob("*.json"))


def bring_up_by_command(name: str) -> subprocess.Popen[bytes]:
    """``python -m infra up --engine pulumi``, some way into its work."""
    command = [sys.executable, "-m", "infra", "up", "--name", name, "--engine", "pulumi", "--target", "process", *BY_COMMAND]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + PATIENCE_S
    while not (traces.folder_of(name) / "nodes" / "broker" / "pid").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline, "the broker never came"
        time.sleep(0.02)
    return process


def test_every_node_is_ready_and_the_deployment_says_who_made_it(shared: str) -> None:
    """The real engine makes what the embedded one makes."""
    deployment = operations.read(shared)
    assert (deployment.engine, deployment.target, deployment.topology) == ("pulumi", "process", FREE_PORTS)
    nodes = operations.status(shared)
    assert {node.node.name for node in nodes} == {
        *("gateway", "courses-1", "students-1", "enrollment-1", "worker-1"),
        *("courses-db", "students-db", "enrollment-db", "cache", "broker", "epmd"),
    }
    assert all(node.healthy and node.restarts == 0 for node in nodes)


def test_a_second_up_changes_nothing(shared: str) -> None:
    """Every process lives on, also where the engine is not named again."""
    before = operations.read(shared)
    living = lives(before)
    assert operations.up(shared, FREE_PORTS, owner=True) == before
    assert lives(before) == living


def test_another_engine_is_refused(shared: str) -> None:
    """It knows nothing of what is there."""
    with pytest.raises(InfraError, match="made by the engine pulumi on the target process; take it down first"):
        operations.up(shared, FREE_PORTS, engine="embedded", owner=True)


def test_a_killed_node_is_noticed_by_refresh_and_made_again_by_up(shared: str) -> None:
    """It, and nothing else."""
    before = lives(operations.read(shared))
    operations.kill_node(shared, "students-1")
    assert operations.refresh(shared) == [Change("Node", "students-1", Action.DELETE)]
    assert operations.preview(shared, FREE_PORTS) == [Change("Node", "students-1", Action.CREATE)]
    after = lives(operations.up(shared, FREE_PORTS, owner=True))
    assert {node for node in before if after[node] != before[node]} == {"students-1"}
    assert operations.refresh(shared) == []


def test_scaling_starts_and_stops_only_replicas(shared: str) -> None:
    """1 to 3 and back leaves every other process alone; the gateway takes its files over."""
    before = lives(operations.read(shared))
    scaled = lives(operations.up(shared, SCALED, owner=True))
    assert scaled.keys() - before.keys() == {"courses-2", "courses-3"}
    assert {node: life for node, life in scaled.items() if node in before} == before
    assert lives(operations.up(shared, FREE_PORTS, owner=True)) == before


def test_a_node_is_killed_and_started_as_any_other(shared: str) -> None:
    """The faults of experiments need to know no engine."""
    operations.kill_node(shared, "courses-1")
    assert operations.processes(operations.read(shared), "courses-1") == []
    operations.start_node(shared, "courses-1")
    assert all(node.healthy for node in operations.status(shared))


def test_the_state_keeps_its_secrets(shared: str) -> None:
    """No file of Pulumi's holds a password in plain, but for the outputs, which are for their owner alone."""
    folder = traces.folder_of(shared)
    passwords = list(json.loads((folder / "secrets.json").read_text(encoding="utf-8")).values())
    assert passwords
    for path in (folder / "pulumi").rglob("*"):
        if path.is_file() and any(password.encode() in path.read_bytes() for password in passwords):
            assert path.name == "outputs.json"
            assert path.stat().st_mode & 0o077 == 0
    assert (folder / "pulumi").stat().st_mode & 0o077 == 0


def test_no_file_of_the_state_is_written_in_place(shared: str) -> None:
    """The CLI's attributes of files would be, and SIGKILL in the middle of one makes a stack unreadable."""
    state = traces.folder_of(shared) / "pulumi" / "state"
    assert list(state.rglob("*.json"))
    assert list(state.rglob("*.attrs")) == []


def test_down_leaves_the_data_and_with_volumes_nothing(name: str) -> None:
    """No process, port or segment, no stack; another engine may take over then."""
    left = traces.of(operations.up(name, FREE_PORTS, engine="pulumi"))
    assert operations.down(name)
    assert left.left() == [f"folder {left.folder}"]
    assert not (left.folder / "pulumi").exists()
    assert operations.up(name, FREE_PORTS).engine == "embedded"
    assert operations.down(name, volumes=True)
    assert left.left() == []


def test_a_killed_up_leaves_no_lock_behind(name: str) -> None:
    """SIGKILL of the command and of its CLI leaves a lock, which the next ``up`` takes away with what was half made."""
    process = bring_up_by_command(name)
    process.kill()
    process.wait()
    for cli in clis(name):
        with contextlib.suppress(psutil.NoSuchProcess):
            cli.kill()
    assert locks(name)
    left = traces.of(operations.up(name, FREE_PORTS))
    assert operations.read(name).engine == "pulumi"
    assert locks(name) == []
    assert operations.down(name, volumes=True)
    assert left.left() == []


def test_down_works_while_the_orphaned_cli_is_still_at_it(name: str) -> None:
    """``kill -9`` of the command alone leaves a CLI that goes on for a while; ``down`` ends it first."""
    process = bring_up_by_command(name)
    process.kill()
    process.wait()
    left = traces.of_half_made(name)
    assert operations.down(name, volumes=True)
    assert clis(name) == []
    assert left.left() == []


def test_an_interrupted_bring_up_takes_down_what_it_started(name: str) -> None:
    """Ctrl-C ends ``up`` with an error status, no process and no lock left."""
    process = bring_up_by_command(name)
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE_S) == 130
    left = traces.of_half_made(name)
    assert clis(name) == []
    assert left.left() == [f"folder {left.folder}"]


def test_a_taken_port_is_said_in_a_sentence(name: str) -> None:
    """The provider's error comes through the CLI as it is, and nothing is left."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        taken = FREE_PORTS.model_copy(update={"gateway": FREE_PORTS.gateway.model_copy(update={"port": port})})
        with pytest.raises(InfraError, match=rf"^port {port} is taken by another program.*set gateway\.port to another one") as raised:
            operations.up(name, taken, engine="pulumi")
    assert "\n" not in str(raised.value)
    assert traces.of_half_made(name).left() == []

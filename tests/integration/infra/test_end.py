"""However a deployment ends, nothing of it is left on the machine."""

from __future__ import annotations

import contextlib
import os
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
from infra.errors import NotDeployedError, PortError
from infra.settings import REPOSITORY
from infra.topology import Topology
from tests.conftest import FREE_PORTS, unique_name
from tests.integration.infra import traces

BY_COMMAND = ["--set", "gateway.port=0", "--set", "broker.management_port=0"]
PATIENCE_S = 60.0


@pytest.fixture
def name() -> Iterator[str]:
    """A name that is free, and is so again afterwards."""
    name = unique_name()
    yield name
    operations.down(name, volumes=True)


def wait_for(path: Path) -> None:
    """Wait until a file is there."""
    deadline = time.monotonic() + PATIENCE_S
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.02)


def bring_up_by_command(name: str) -> subprocess.Popen[bytes]:
    """``python -m infra up`` in a process group of its own, some way into its work."""
    command = [sys.executable, "-m", "infra", "up", "--name", name, *BY_COMMAND]
    process = subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(REPOSITORY)}
    )
    wait_for(traces.folder_of(name) / "nodes" / "broker" / "pid")
    return process


def test_down_forgets_everything_but_the_data_and_with_volumes_that_too(name: str) -> None:
    """No process, port or segment is left; the folder stays until its volumes are removed, and the data is used again."""
    left = traces.of(operations.up(name, FREE_PORTS))
    assert operations.down(name)
    assert left.left() == [f"folder {left.folder}"]
    with pytest.raises(NotDeployedError):
        operations.read(name)
    again = operations.up(name, FREE_PORTS.override({"courses.replicas": 2}))
    left = traces.of(again)
    assert operations.down(name, volumes=True)
    assert left.left() == []
    assert not operations.down(name, volumes=True)


def test_down_works_after_the_supervisor_was_killed(name: str) -> None:
    """Orphaned processes are found and ended."""
    left = traces.of(operations.up(name, FREE_PORTS))
    psutil.Process(int((left.folder / "supervisor" / "pid").read_text())).kill()
    operations.down(name, volumes=True)
    assert left.left() == []


def test_up_works_after_everything_was_killed(name: str) -> None:
    """SIGKILL of all processes, as by the OOM killer or a reboot, is mended by ``up``; segments are not left either."""
    left = traces.of(operations.up(name, FREE_PORTS))
    time.sleep(2)  # RabbitMQ can't open a queue again that it was killed with in the first half second
    for process in left.processes:
        with contextlib.suppress(psutil.NoSuchProcess):  # it went with its parent
            process.kill()
    psutil.wait_procs(left.processes, timeout=PATIENCE_S)
    left = traces.of(operations.up(name, FREE_PORTS))
    operations.down(name, volumes=True)
    assert left.left() == []


def test_down_works_after_the_bringing_up_process_was_killed(name: str) -> None:
    """``kill -9`` in the middle of a bring-up leaves nothing that ``down`` does not find."""
    process = bring_up_by_command(name)
    process.kill()
    process.wait()
    left = traces.of_half_made(name)
    assert operations.down(name, volumes=True)
    assert left.left() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_bring_up_takes_down_what_it_started(name: str, number: signal.Signals) -> None:
    """Ctrl-C and SIGTERM end ``up`` with an error status and no process left."""
    process = bring_up_by_command(name)
    process.send_signal(number)
    assert process.wait(PATIENCE_S) == 130
    left = traces.of_half_made(name)
    assert left.left() == [f"folder {left.folder}"]


def test_a_taken_port_is_said_before_anything_is_started(name: str) -> None:
    """The error names the factor to change, and there is no process."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        taken = FREE_PORTS.model_copy(update={"gateway": FREE_PORTS.gateway.model_copy(update={"port": port})})
        with pytest.raises(PortError, match=rf"port {port} is taken by another program.*set gateway\.port to another one"):
            operations.up(name, taken)
    assert traces.of_half_made(name).left() == []


def test_a_node_that_ends_at_once_is_reported_with_its_last_words(name: str) -> None:
    """The error has the end of the node's log, and what had been started is taken down."""
    too_much = FREE_PORTS.override({"database.shared_buffers_mib": 8192, "database.max_connections": 1000})
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_AS, (6 * 2**30, 6 * 2**30)); {up_call(name, too_much)}"
    done = subprocess.run([sys.executable, "-c", limited], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert "-db ended while it was started" in done.stdout, done.stdout + done.stderr
    assert "could not map anonymous shared memory" in done.stdout
    left = traces.of_half_made(name)
    assert left.left() == [f"folder {left.folder}"]


def up_call(name: str, topology: Topology) -> str:
    """Python that brings a deployment up and prints the error."""
    return (
        "from infra import operations; from infra.errors import NodeError; from infra.topology import Topology\n"
        f"try:\n    operations.up({name!r}, Topology.model_validate_json({topology.model_dump_json()!r}))\n"
        "except NodeError as error:\n    print(error)"
    )


def test_a_deployment_whose_owner_died_is_swept(name: str) -> None:
    """``sweep`` removes it with its data, and leaves deployments whose owner lives."""
    mine = unique_name()
    owner = (
        "from infra import operations; from infra.topology import Topology\n"
        f"operations.up({name!r}, Topology.model_validate_json({FREE_PORTS.model_dump_json()!r}), owner=True)"
    )
    subprocess.run([sys.executable, "-c", owner], cwd=REPOSITORY, check=True)
    left = traces.of(operations.read(name))
    try:
        operations.up(mine, FREE_PORTS, owner=True)
        swept = operations.sweep()
        assert name in swept
        assert mine not in swept
        assert left.left() == []
        assert all(node.healthy for node in operations.status(mine))
    finally:
        operations.down(mine, volumes=True)


def test_an_unknown_deployment_is_said() -> None:
    """The error tells how to bring it up."""
    with pytest.raises(NotDeployedError, match="python -m infra up --name nowhere"):
        operations.status("nowhere")

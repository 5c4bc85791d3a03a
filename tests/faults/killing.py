"""A lab that is killed while it breaks a deployment, and the command that heals what it has left."""

from __future__ import annotations

import contextlib
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

import psutil

from experiments.definition import Fault, LinkFault
from experiments.faults import hog
from experiments.healing import journal_of
from infra import operations
from infra.deployment import Deployment
from tests.faults.cases import none_is_stopped

PATIENCE_S = 120.0
LONG_S = 600.0
"""Of a fault that nobody but the command heals."""


@contextlib.contextmanager
def breaking(lab: Deployment, faults: Sequence[Fault | LinkFault]) -> Iterator[subprocess.Popen[str]]:
    """A lab of its own that injects the faults and has begun to; killed in the end."""
    command = [sys.executable, "-m", "tests.faults.lab_to_kill", lab.name]
    child = subprocess.Popen([*command, *(fault.model_dump_json() for fault in faults)], stdout=subprocess.PIPE, text=True)
    try:
        await_line(child, "begins")
        yield child
    finally:
        child.kill()
        child.wait()
        assert child.stdout is not None
        child.stdout.close()


def await_line(child: subprocess.Popen[str], line: str) -> None:
    """Wait until the lab says so."""
    assert child.stdout is not None
    ready, _, _ = select.select([child.stdout], [], [], PATIENCE_S)
    assert ready, f"no {line!r} in time"
    assert child.stdout.readline().strip() == line


def heal_by_command(lab: Deployment) -> subprocess.CompletedProcess[str]:
    """What a person would type."""
    command = [sys.executable, "-m", "experiments", "heal", "--name", lab.name]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=PATIENCE_S * 2)


def await_all_well(lab: Deployment) -> None:
    """Every node is healthy, services too that have to find their database again."""
    deadline = time.monotonic() + PATIENCE_S
    while ill := [status.node.name for status in operations.status(lab.name) if not status.healthy]:
        assert time.monotonic() < deadline, ill
        time.sleep(0.2)


def nothing_is_left(lab: Deployment) -> None:
    """No process is held still, no hog outlives its lab, the journal is empty."""
    assert none_is_stopped(lab)
    deadline = time.monotonic() + PATIENCE_S
    while any({hog.__name__, f"{lab.name}:gateway"} <= set(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])):
        assert time.monotonic() < deadline, "a hog outlived its lab"
        time.sleep(0.1)
    assert journal_of(lab.name).entries() == {}

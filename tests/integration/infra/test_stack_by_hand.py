"""infra/stack with Pulumi's own command line, as a person uses it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra import operations
from infra.errors import NotDeployedError, StateError
from infra.settings import REPOSITORY
from infra.targets.process import processes as process_table
from infra.toolchain import Tool
from tests.conftest import FREE_PORTS, unique_name
from tests.integration.infra import traces

pytestmark = pytest.mark.timeout(1800)  # the CLI may have to be built first
STACK = REPOSITORY / "infra" / "stack"
Pulumi = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def pulumi(pulumi_cli: Tool, tmp_path: Path) -> Pulumi:
    """The CLI in infra/stack, with a state and a home of the test's own."""
    environment = {
        **os.environ,
        "PULUMI_BACKEND_URL": f"file://{tmp_path}",
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_CONFIG_PASSPHRASE": "of the test",
        "PULUMI_PYTHON_CMD": sys.executable,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }

    def run(*words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [str(pulumi_cli.path), *words, "--non-interactive"]
        done = subprocess.run(command, cwd=STACK, env=environment, capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    return run


@pytest.fixture
def stack(pulumi: Pulumi) -> Iterator[str]:
    """A new stack, configured to take free ports; nothing of it stays."""
    name = unique_name()
    try:
        pulumi("stack", "init", name)
        pulumi("config", "set", "gateway.port", "0")
        pulumi("config", "set", "broker.management_port", "0")
        yield name
    finally:
        operations.down(name, volumes=True)
        pulumi("stack", "rm", name, "--yes", "--force", check=False)
        (STACK / f"Pulumi.{name}.yaml").unlink(missing_ok=True)


def changes(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """The operations of a ``--json`` preview, by kind and name, but for those that leave a resource as it is."""
    steps = json.loads(done.stdout)["steps"]
    names = {step["urn"].rsplit(":", 3)[1] + " " + step["urn"].rsplit("::", 1)[1]: step["op"] for step in steps}
    return {name: operation for name, operation in names.items() if operation != "same"}


def test_a_stack_lives_as_any_other(pulumi: Pulumi, stack: str) -> None:
    """Config, up, outputs, up again, a change previewed, a killed node noticed and made again, destroy; then nothing is left."""
    pulumi("config", "set", "target", "process")
    pulumi("up", "--yes", "--skip-preview")
    outputs = json.loads(pulumi("stack", "output", "--json").stdout)
    assert outputs["credentials"] == "[secret]"
    with urllib.request.urlopen(f"{outputs['gateway_url']}/courses", timeout=10) as answer:  # noqa: S310 - http to this machine
        assert json.load(answer) == []
    with urllib.request.urlopen(outputs["management_url"], timeout=10) as answer:  # noqa: S310 - http to this machine
        assert answer.status == 200
    assert changes(pulumi("preview", "--json")) == {}

    pulumi("config", "set", "courses.replicas", "2")
    assert changes(pulumi("preview", "--json")) == {
        "Port courses-2": "create",
        "Node courses-2": "create",
        "Node gateway": "update",
    }

    pulumi("config", "rm", "courses.replicas")
    operations.kill_node(stack, "students-1")
    assert "1 deleted" in pulumi("refresh", "--yes", "--skip-preview").stdout
    assert changes(pulumi("preview", "--json")) == {"Node students-1": "create"}
    pulumi("up", "--yes", "--skip-preview")
    members = process_table.all_of(traces.folder_of(stack))
    assert any("app.students" in " ".join(process.cmdline()) for process in members)

    with pytest.raises(StateError, match="made by `pulumi up` in infra/stack"):
        operations.up(stack, FREE_PORTS)
    with pytest.raises(NotDeployedError):
        operations.read(stack)

    pulumi("destroy", "--yes", "--skip-preview")
    assert not [process for process in members if traces.is_alive(process)]
    assert traces.of_half_made(stack).left() == [f"folder {traces.folder_of(stack)}"]


def test_a_mistake_in_the_configuration_is_one_sentence(pulumi: Pulumi, stack: str) -> None:
    """No traceback, and no folder for a deployment that can't be."""
    pulumi("config", "set", "courses.replica", "2")
    done = pulumi("preview", check=False)
    assert done.returncode != 0
    said = [line.strip() for line in done.stdout.splitlines() if line.strip().startswith("error:")]
    sentence = "the stack is configured with courses.replica, which is no factor; "
    assert said == [f"error: {sentence}pulumi config rm courses.replica && pulumi config set courses.replicas 2"]
    assert "Traceback" not in done.stdout
    assert not traces.folder_of(stack).exists()

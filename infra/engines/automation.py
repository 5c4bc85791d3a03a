"""Runs a Pulumi program with the real Pulumi CLI, by the Automation API, with the state in the deployment's folder."""

from __future__ import annotations

import json
import secrets
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pulumi
from pulumi.automation import LocalWorkspace, Stack
from pulumi.automation.errors import CommandError

from infra.engines.engine import Change
from infra.engines.program import ONE_PROGRAM_AT_A_TIME, PROJECT, Program, pickler_restored
from infra.engines.pulumi_cli import PulumiCli, end_leftovers, environment
from infra.engines.pulumi_events import Events
from infra.errors import InfraError
from infra.home import Home, read_json, write_private
from infra.progress import Silence, Watch
from infra.settings import REPOSITORY

PLUGINS = REPOSITORY / "infra" / "stack" / "plugins"
_OUTPUT = "deployment"
_PARALLEL = 64
"""Resources that may wait at the same time; the CLI's own limit is four for each core, which could all wait for one that has not begun."""
_TOLD_LINES = 3
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class PulumiTools:
    """What the engine runs."""

    cli: PulumiCli
    plugins: Mapping[str, Path] = field(default_factory=dict)
    """Folders of the plugins that the CLI is not to look for itself, by their names."""


class PulumiEngine:
    """One deployment as a stack of that name."""

    def __init__(self, home: Home, tools: Callable[[], PulumiTools], watch: Watch) -> None:
        """Take the tools when there is something to do, for the outputs can be read without any."""
        self._home = home
        self._tools = tools
        self._watch = watch
        self._state = home.pulumi_dir / "state"
        self._project = home.pulumi_dir / "project"
        self._passphrase = home.pulumi_dir / "passphrase"
        self._outputs = home.pulumi_dir / "outputs.json"

    def up(self, program: Program) -> dict[str, Any]:
        """Make everything as the program says, and nothing else; what it returned.

        What went away by itself is made again. On Ctrl-C and on a failure, what is there stays recorded.

        Raises:
            InfraError: the first failure.
        """
        self._outputs.unlink(missing_ok=True)
        run = _Run(program)

        def work(stack: Stack, events: Events) -> dict[str, Any]:
            done = stack.up(parallel=_PARALLEL, refresh=True, color="never", program=run.execute, on_event=events.hear)
            outputs: dict[str, Any] = json.loads(done.outputs[_OUTPUT].value)
            return outputs

        outputs, _ = self._command(work, run)
        write_private(self._outputs, json.dumps(outputs))
        return outputs

    def preview(self, program: Program) -> Sequence[Change]:
        """What :meth:`up` would do, and nothing else."""
        run, unknown = _Run(program), not self._home.pulumi_dir.exists()

        def work(stack: Stack, events: Events) -> None:
            stack.preview(parallel=_PARALLEL, refresh=True, color="never", program=run.execute, on_event=events.hear)

        try:
            _, events = self._command(work, run, preview=True)
        finally:
            if unknown:
                shutil.rmtree(self._home.pulumi_dir, ignore_errors=True)
        return events.planned

    def refresh(self) -> Sequence[Change]:
        """Take note of what was changed or went away behind our back; the next :meth:`up` mends it."""
        _, events = self._command(lambda stack, events: stack.refresh(parallel=_PARALLEL, color="never", on_event=events.hear))
        return events.drifted

    def destroy(self) -> None:
        """Delete every resource, dependants first, and the stack.

        Raises:
            InfraError: the first failure; the others are deleted all the same.
        """
        self._outputs.unlink(missing_ok=True)
        if not self._home.pulumi_dir.exists():
            return

        def work(stack: Stack, events: Events) -> None:
            stack.destroy(parallel=_PARALLEL, color="never", continue_on_error=True, on_event=events.hear)
            stack.workspace.remove_stack(stack.name)

        self._command(work)
        shutil.rmtree(self._home.pulumi_dir)

    def outputs(self) -> dict[str, Any] | None:
        """What the program returned when it last ran through; None while it has not."""
        return read_json(self._outputs) or None

    def _command(
        self, work: Callable[[Stack, Events], _Result], run: _Run | None = None, *, preview: bool = False
    ) -> tuple[_Result, Events]:
        """Do the work in a thread of its own, so that Ctrl-C reaches us; what it gave, and what was told meanwhile."""
        events = Events(Silence() if preview else self._watch.progress)

        def stack_work() -> _Result:
            with pickler_restored():
                return work(self._stack(tools.cli), events)

        tools = self._tools()
        with ONE_PROGRAM_AT_A_TIME, ThreadPoolExecutor(1, "pulumi") as pool:
            self._make_way(tools)
            future = pool.submit(stack_work)
            try:
                return future.result(), events
            except CommandError as error:
                if run is not None and run.failure is not None:
                    raise run.failure from None
                raise InfraError(events.error or _last_lines(str(error))) from None
            finally:
                if not future.done():
                    self._watch.cancelled.set()
                    tools.cli.interrupt()

    def _make_way(self, tools: PulumiTools) -> None:
        """Lay out what the CLI needs, and end the processes that a killed command left."""
        self._home.pulumi_dir.mkdir(mode=0o700, exist_ok=True)
        for folder in (self._state, self._project):
            folder.mkdir(exist_ok=True)
        if not self._passphrase.exists():
            write_private(self._passphrase, secrets.token_urlsafe(32))
        folders = {"pulumi-python": PLUGINS, **tools.plugins}
        plugins = json.dumps({"providers": [{"name": name, "path": str(folder)} for name, folder in folders.items()]})
        (self._project / "Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: python\nplugins: {plugins}\n")
        end_leftovers(self._state)

    def _stack(self, cli: PulumiCli) -> Stack:
        workspace = LocalWorkspace(
            work_dir=str(self._project),
            secrets_provider="passphrase",
            pulumi_home=str(self._home.pulumi_dir / "home"),
            env_vars=environment(self._state, PULUMI_CONFIG_PASSPHRASE_FILE=str(self._passphrase), PULUMI_PYTHON_CMD=sys.executable),
            pulumi_command=cli,
        )
        stack = Stack.create_or_select(self._home.name, workspace)
        if any((self._state / ".pulumi" / "locks").rglob("*.json")):
            stack.cancel()  # left by a killed CLI, for the deployment's own lock is ours
        return stack


class _Run:
    """One run of a program, inline for the CLI."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self.failure: InfraError | None = None

    def execute(self) -> None:
        """Register everything; what the program returns is the stack's output, as text because Pulumi's objects have no null."""
        try:
            output = self._program()
        except InfraError as error:
            self.failure = error
            raise
        pulumi.export(_OUTPUT, pulumi.Output.secret(pulumi.Output.json_dumps(output)))


def _last_lines(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "pulumi failed: " + " / ".join(lines[-_TOLD_LINES:])

"""The Pulumi CLI as a child process: interrupted through us alone, and found again where a killed command left it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import psutil
from pulumi.automation import CommandResult, OnOutput, PulumiCommand
from pulumi.automation.errors import create_command_error
from semver import VersionInfo

_GRACE_S = 30.0
"""Time that an interrupted CLI has to give up what it waits for and to write down what there is."""
_BACKEND = "PULUMI_BACKEND_URL"
_AUTOMATION = "PULUMI_AUTOMATION_API"


class PulumiCli(PulumiCommand):
    """Runs the CLI in a session of its own: on Ctrl-C it would hear the terminal and us, and the second signal makes it drop everything."""

    def __init__(self, path: Path, version: str) -> None:
        """Take the CLI as it was found, which has been asked for its version."""
        self.command = str(path)
        self.version = VersionInfo.parse(version)
        self._running: subprocess.Popen[str] | None = None
        self._interrupted = False

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnOutput | None = None,
        on_error: OnOutput | None = None,
    ) -> CommandResult:
        """Run one command to its end.

        Raises:
            CommandError: it failed, or nothing is to be run any more.
        """
        del on_output, on_error  # the engine's events say it better
        if self._interrupted:
            raise create_command_error(CommandResult("", "interrupted", -signal.SIGINT))
        with subprocess.Popen(
            [self.command, "--non-interactive", *args],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env={**os.environ, **additional_env, _AUTOMATION: "true"},
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        ) as process:
            self._running = process
            if self._interrupted:  # between the question above and now
                process.send_signal(signal.SIGINT)
            stdout, stderr = process.communicate()
        result = CommandResult(stdout, stderr, process.returncode)
        if process.returncode != 0:
            raise create_command_error(result)
        return result

    def interrupt(self) -> None:
        """Have the command that runs give up, by force if it does not, and run no other."""
        self._interrupted = True
        process = self._running
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()


def environment(backend: Path, **more: str) -> dict[str, str]:
    """What the CLI has to be told to keep its state in the folder ``backend``."""
    return {_BACKEND: _url(backend), "PULUMI_SKIP_UPDATE_CHECK": "true", **more}


def end_leftovers(backend: Path) -> bool:
    """Kill the CLIs and their plugins that a killed command left at work on ``backend``; whether there was any."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            known = process.environ()
            if known.get(_AUTOMATION) and known.get(_BACKEND) == _url(backend):
                process.kill()
                found.append(process)
    psutil.wait_procs(found, timeout=_GRACE_S)
    return bool(found)


def _url(backend: Path) -> str:
    """The state, without the CLI's files of attributes beside each of its own.

    They are written in place, and one that SIGKILL has cut short makes the stack unreadable ("failed to load checkpoint: EOF"). All else
    is written beside and renamed.
    """
    return f"file://{backend}?metadata=skip"

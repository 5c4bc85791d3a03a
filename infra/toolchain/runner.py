"""The one way in which the toolchain runs a command, so that a test can put another in its place."""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

NOT_STARTED = 127
"""Exit status of a command that could not be started at all, as in a shell."""
GRACE_S = 60
"""Seconds that an interrupted command has to end by itself; apt ends the package it is working on first."""


@dataclass(frozen=True)
class Finished:
    """A command that has ended."""

    code: int
    output: str
    """What it wrote to stdout and stderr, as it came."""

    @property
    def succeeded(self) -> bool:
        """Whether it says of itself that it did what it was asked."""
        return self.code == 0


class Runner(Protocol):
    """Runs one command to its end; never raises because the command failed or does not exist."""

    def __call__(
        self,
        command: Sequence[str | Path],
        *,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Finished:
        """Run ``command`` in ``folder`` with ``environment`` on top of our own, telling each line of output as it comes."""


def run(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    on_line: Callable[[str], None] | None = None,
) -> Finished:
    """The real Runner: no shell, nothing to read on stdin; whatever interrupts us interrupts the command, and is waited for."""
    try:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        return Finished(NOT_STARTED, str(error))
    lines: list[str] = []
    with child:
        try:
            for line in child.stdout or ():
                lines.append(line)
                if on_line:
                    on_line(line.rstrip("\n"))
        except BaseException:
            _interrupt(child)
            raise
    return Finished(child.returncode, "".join(lines))


def _interrupt(child: subprocess.Popen[str]) -> None:
    child.send_signal(signal.SIGINT)
    try:
        child.communicate(timeout=GRACE_S)
    except subprocess.TimeoutExpired:
        child.kill()

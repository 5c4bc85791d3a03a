"""Runs a command that the kernel ends when the process that asked for it is gone: ``python -m experiments.capacity.tied PID COMMAND``."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

from experiments.runner.interrupts import signal_with_parent

MODULE: Final = "experiments.capacity.tied"


def tied(command: Sequence[str]) -> list[str]:
    """The command, to be started by this process as its child."""
    return [sys.executable, "-m", MODULE, str(os.getpid()), *command]


def main(arguments: Sequence[str]) -> None:
    """Become the command, unless the parent is gone already."""
    parent, program, *rest = arguments
    signal_with_parent(signal.SIGKILL)
    if os.getppid() == int(parent):
        os.execv(program, [program, *rest])  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:])

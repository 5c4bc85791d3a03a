"""A program that starts the load generator, prints its child's pid and waits to be killed."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import psutil

from experiments.load import LoadGenerator
from experiments.schedule import Schedule


def main(schedule: str, gateway_url: str, folder: str) -> None:
    """Start, print, wait."""
    generator = LoadGenerator(Schedule.read(Path(schedule)), gateway_url, Path(folder), history=Path(folder) / "history.jsonl")
    generator.launch()
    generator.await_ready()
    generator.start(time.monotonic())
    (child,) = psutil.Process().children()
    sys.stdout.write(f"{child.pid}\n")
    sys.stdout.flush()
    signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])

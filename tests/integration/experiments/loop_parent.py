"""A program that starts a long closed loop and waits to be killed: it prints wrk's pid as soon as that runs."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import psutil

from experiments.capacity.wrk import Loop, Wrk
from infra import operations

LONG_S = 120.0


def main(url: str) -> None:
    """Start it, and print the pid at the first wait after the child has become wrk."""
    told = False

    def sleep(seconds: float) -> None:
        nonlocal told
        children = psutil.Process().children()
        if not told and children and Path(children[0].exe()).name == "wrk":
            sys.stdout.write(f"{children[0].pid}\n")
            sys.stdout.flush()
            told = True
        time.sleep(seconds)

    Wrk(operations.tool("wrk"), sleep).run(Loop(url, connections=2, seconds=LONG_S))


if __name__ == "__main__":
    main(sys.argv[1])

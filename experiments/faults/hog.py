"""``python -m experiments.faults.hog LABEL CPU SECONDS``: keeps a processor busy, for so long at most and no longer than its parent lives.

Its standard input is a pipe that its parent holds open and never writes to: the end of it is the parent's end.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
import time

LOOK_EVERY_S = 0.01


def spin(cpu: int, seconds: float) -> None:
    """Use the processor ``cpu`` until the time is up or the parent is gone."""
    with contextlib.suppress(OSError):  # a processor that we may not use, or that is gone: any other is as busy
        os.sched_setaffinity(0, {cpu})
    deadline = time.monotonic() + seconds
    while (now := time.monotonic()) < deadline and not select.select([sys.stdin], [], [], 0)[0]:
        while time.monotonic() < now + LOOK_EVERY_S:
            pass


if __name__ == "__main__":
    spin(int(sys.argv[2]), float(sys.argv[3]))

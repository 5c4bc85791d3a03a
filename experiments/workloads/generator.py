"""The program: reads a schedule, sends it to a gateway in an open loop, and writes what happened."""

from __future__ import annotations

import argparse
import gc
import math
import os
import resource
import signal
import sys
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import gevent
from gevent.socket import wait_read
from locust.env import Environment

from experiments.records.journal import Journal
from experiments.schedule import Schedule
from experiments.workloads.arrival import arrivals
from experiments.workloads.dispatcher import Dispatcher
from experiments.workloads.recorder import Recorder
from experiments.workloads.students import Students, longest_s

EPILOG: Final = "It says when it is ready, then reads the CLOCK_MONOTONIC of the schedule's second 0 from its standard input."
DRAIN_MARGIN_S: Final = 1
"""Beyond the longest that an arrival may take; after it every request has had its own timeout."""
LIFETIME_MARGIN_S: Final = 30
"""What loading and writing may take beyond the schedule; after it the kernel ends the process whatever it does."""
LONGEST_LINE: Final = 64
OTHER_FILES: Final = 64
"""Descriptors beyond connections: libraries, event loop, log."""
MOST_FILES: Final = 65_536
"""Linux has fewer ports for the connections to one address."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Send, record, write."""
    parser = argparse.ArgumentParser(prog="python -m experiments.workloads", description=__doc__, epilog=EPILOG)
    parser.add_argument("--schedule", type=Path, required=True, help="Parquet file with the schedule")
    parser.add_argument("--out", type=Path, required=True, help="Parquet file to write the requests to")
    parser.add_argument("--history", type=Path, required=True, help="file to append the operations to, as they happen")
    parser.add_argument("--resends", type=int, required=True, metavar="N", help="times that an enrolment of unknown fate is sent again")
    parser.add_argument("--gateway", required=True, metavar="URL", help="where the requests are sent to")
    options = parser.parse_args(arguments)

    # Addresses are numbers or in /etc/hosts; the default resolver takes a thread for each new connection.
    gevent.config.resolver = "block"
    schedule = arrivals(Schedule.read(options.schedule).table)
    last_s = schedule[-1].intended_s if schedule else 0.0
    drain_s = longest_s(options.resends) + DRAIN_MARGIN_S
    connections = _most_connections()
    epoch_s = _epoch_s()
    signal.alarm(math.ceil(max(0.0, epoch_s + last_s - time.monotonic()) + drain_s + LIFETIME_MARGIN_S))
    recorder = Recorder(schedule, epoch_s, Journal(options.history))
    environment = Environment(user_classes=[Students], host=options.gateway)
    environment.events.request.add_listener(recorder.answered)  # type: ignore[no-untyped-call]
    students = Students(environment, recorder, connections=connections, run_id=uuid.uuid4().hex, resends=options.resends)
    dispatcher = Dispatcher(students.act, most_at_once=connections)

    # A full collection stops every request for about 100 ms with 100,000 arrivals in memory (measured). Nothing is lost without it: what a
    # request leaves is freed by counting references; 3,000 requests left no cycle behind (measured).
    gc.collect()
    gc.freeze()
    gc.disable()
    load = gevent.spawn(dispatcher.run, schedule, epoch_s, drain_s)
    gevent.signal_handler(signal.SIGTERM, load.kill, block=False)
    gevent.spawn(_await_parents_end).link(lambda _: load.kill(block=False))
    load.join()
    dispatcher.stop()
    recorder.write(options.out)
    if dispatcher.failure is not None:
        raise dispatcher.failure
    if load.exception is not None:
        raise load.exception


def _most_connections() -> int:
    """As many as the process may have files open, after taking all that it is allowed."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return files - OTHER_FILES


def _epoch_s() -> float:
    """Say that all is ready, and wait to be told when to begin; a parent that ends meanwhile ends this process."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nobody reads any more
    if not (line := os.read(sys.stdin.fileno(), LONGEST_LINE)):
        sys.exit("the parent has ended")
    return float(line)


def _await_parents_end() -> None:
    """The parent holds the other end of our standard input and writes nothing more: it ends when the parent does."""
    wait_read(sys.stdin.fileno())
    os.read(sys.stdin.fileno(), 1)

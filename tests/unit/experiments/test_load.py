"""The load generator's priority, as far as it can be told without sending."""

from __future__ import annotations

import os
import subprocess

from experiments.load import generator_name, take_real_time_priority


def test_the_priority_that_was_given_is_the_one_that_a_child_gets() -> None:
    """What provenance names and what the kernel says of a process agree, whether or not this machine allows it."""
    with subprocess.Popen(["sleep", "60"]) as child:  # noqa: S607 - any sleep will do
        is_real_time = take_real_time_priority(child.pid)
        policy = os.sched_getscheduler(child.pid) & ~os.SCHED_RESET_ON_FORK
        child.kill()
    assert policy == (os.SCHED_RR if is_real_time else os.SCHED_OTHER)
    assert generator_name().endswith("real-time priority" if is_real_time else "normal priority")


def test_finding_out_leaves_this_process_as_it_was() -> None:
    """The lab itself never runs with real-time priority."""
    generator_name()
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


def test_a_process_that_is_gone_gets_no_priority() -> None:
    """Refused like one that is not allowed."""
    with subprocess.Popen(["true"]) as child:  # noqa: S607 - any will do
        child.wait()
    assert not take_real_time_priority(child.pid)

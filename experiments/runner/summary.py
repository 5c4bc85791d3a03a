"""A figure or two of a trial for whoever watches; the report computes the real ones."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow.compute as pc

from experiments.definition import Phase
from experiments.invariants.checkers import failures
from experiments.records.files import Trial
from experiments.records.schema import Outcome

TAIL: Final = 95
"""Percentile that a trial of some seconds can support."""
MS_PER_S: Final = 1000


def headline(trial: Trial) -> str:
    """Requests, tail latency, failures, and what spoils the trial, in a line."""
    measured = trial.requests.filter(pc.field("phase") == str(Phase.MEASURE))
    parts = []
    if measured.num_rows:
        response_ms = pc.subtract(measured.column("ended_s"), measured.column("intended_s")).to_numpy() * MS_PER_S
        failed = measured.filter(pc.field("outcome") != str(Outcome.OK)).num_rows
        parts += [f"p{TAIL} {np.percentile(response_ms, TAIL):.1f} ms", f"{failed} of {measured.num_rows:,} failed"]
    parts += [f"{broken.name} FAILED: {broken.detail}" for broken in failures(trial.record.invariants)]
    if not trial.record.valid:
        parts.append(f"INVALID: {trial.record.reasons[0]}")
    return ", ".join(parts)

"""What a trial leaves to the next one, and how often it is taken for an effect, by the order of trials.

All treatments are the same (A/A), except that a trial of one of the faults, or of any, leaves the trial after it 5 % slower; trials
vary by 3 %. Counted are the pairs of a fault's treatment and the control whose ratio's interval excludes 1. Nothing but the order
differs between columns.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice

import numpy as np

from experiments.orders import balanced_orders
from reports.analysis.effects import ratio
from reports.analysis.estimates import Estimate, Observation

TITLE = "False alarms by carry-over: cyclic Latin squares, shuffled blocks, Williams designs"

CARRY_OVER = 0.05
"""Share by which a trial is slower after one with a fault."""
SPREAD = 0.03
"""Coefficient of variation of a trial."""
EXPERIMENTS = 500
"""Of each kind; one pair in twenty of failover then has a standard error of at most 1 %."""
CASES = (("redundancy", 10, 5), ("redundancy", 10, 10), ("rolling_update", 5, 5), ("failover", 3, 5), ("failover", 3, 10))
"""Name, treatments with the control, blocks."""

Orders = Callable[[Sequence[str], random.Random], Iterator[tuple[str, ...]]]


def run() -> str:
    """A table of false alarms in per cent of pairs."""
    lines = [f"{'':<16}leaves it   treatments  blocks  {'  '.join(f'{name:>8}' for name in ORDERS)}"]
    for leaving in ("one fault", "any fault"):
        for name, treatments, blocks in CASES:
            faults = 1 if leaving == "one fault" else treatments - 1
            shares = [false_alarms(orders, treatments, blocks, faults) for orders in ORDERS.values()]
            figures = "  ".join(f"{share * 100:>6.1f} %" for share in shares)
            lines.append(f"{name:<16}{leaving}   {treatments:>10}  {blocks:>6}  {figures}")
    return "\n".join(lines)


def false_alarms(orders: Orders, treatments: int, blocks: int, faults: int) -> float:
    """Share of the pairs of a fault and the control whose interval excludes 1; the first ``faults`` faults leave something behind."""
    names = ["control", *(f"fault {number}" for number in range(1, treatments))]
    leaving = frozenset(names[1 : 1 + faults])
    alarms = 0
    for number in range(EXPERIMENTS):
        rng = random.Random(number)  # noqa: S311 - reproducible on purpose
        measured = _measure(list(islice(orders(names, rng), blocks)), number, leaving)
        for name in names[1:]:
            found = ratio(measured[name], measured["control"])
            alarms += isinstance(found, Estimate) and not found.low <= 1 <= found.high
    return alarms / (EXPERIMENTS * (treatments - 1))


def _measure(rows: Sequence[tuple[str, ...]], number: int, leaving: Collection[str]) -> dict[str, dict[int, Observation]]:
    """What would be measured of each treatment in each block."""
    rng = np.random.default_rng(number)
    measured: dict[str, dict[int, Observation]] = {name: {} for name in rows[0]}
    before = "control"
    for block, row in enumerate(rows):
        for name in row:
            left_behind = 1 + CARRY_OVER if before in leaving else 1
            measured[name][block] = Observation.exact(left_behind * rng.normal(1, SPREAD))
            before = name
    return measured


def _cyclic(names: Sequence[str], rng: random.Random) -> Iterator[tuple[str, ...]]:
    """Rows of randomised cyclic Latin squares, as plans were made before."""
    while True:
        first = rng.sample(names, len(names))
        rows = [tuple(first[at:] + first[:at]) for at in range(len(first))]
        rng.shuffle(rows)
        yield from rows


def _shuffled(names: Sequence[str], rng: random.Random) -> Iterator[tuple[str, ...]]:
    """Each block in an order of its own."""
    while True:
        yield tuple(rng.sample(names, len(names)))


ORDERS: dict[str, Orders] = {"cyclic": _cyclic, "shuffled": _shuffled, "Williams": balanced_orders}

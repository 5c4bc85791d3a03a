"""How often what a trial leaves to the next one is taken for an effect, by the order of trials.

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
from tests.simulations.tables import Table, percent

CARRY_OVER = 0.05
"""Share by which a trial is slower after one with a fault."""
SPREAD = 0.03
"""Coefficient of variation of a trial."""
CASES = (("redundancy", 10, 5), ("redundancy", 10, 10), ("rolling_update", 5, 5), ("failover", 3, 5), ("failover", 3, 10))
"""Name, treatments with the control, blocks."""

Orders = Callable[[Sequence[str], random.Random], Iterator[tuple[str, ...]]]


def simulate(experiments: int) -> Table:
    """False alarms in per cent of pairs, where one of the faults leaves something behind and where each of them does."""
    return Table(
        title=f"False alarms by carry-over of {CARRY_OVER:.0%}, % of the pairs of {experiments:,} experiments",
        header=("experiment", "leaves it behind", "treatments", "blocks", *ORDERS),
        rows=tuple(
            (name, leaving, str(treatments), str(blocks), *_shares(experiments, treatments, blocks, faults))
            for name, treatments, blocks in CASES
            for leaving, faults in (("one fault", 1), ("any fault", treatments - 1))
        ),
        note=f"Trials vary by {SPREAD:.0%}. Without any carry-over the interval of a pair excludes 1 in 4 to 6 %.",
    )


def _shares(experiments: int, treatments: int, blocks: int, faults: int) -> tuple[str, ...]:
    return tuple(percent(alarms(orders, experiments, treatments, blocks, faults)) for orders in ORDERS.values())


def alarms(orders: Orders, experiments: int, treatments: int, blocks: int, faults: int) -> list[bool]:
    """For each pair of a fault and the control whether its interval excludes 1; the first ``faults`` faults leave something behind."""
    names = ["control", *(f"fault {number}" for number in range(1, treatments))]
    leaving = frozenset(names[1 : 1 + faults])
    found = []
    for number in range(experiments):
        rng = random.Random(number)  # noqa: S311 - reproducible on purpose
        measured = _measure(list(islice(orders(names, rng), blocks)), number, leaving)
        estimates = [ratio(measured[name], measured["control"]) for name in names[1:]]
        found += [isinstance(estimate, Estimate) and not estimate.low <= 1 <= estimate.high for estimate in estimates]
    return found


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

"""How far comparisons on this machine can be trusted: what its calibration found, or that there is none."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from experiments.records.calibration import CalibratedMetric, Calibration
from experiments.records.schema import RunHead
from reports.analysis.calibration import BLOCKS_OF_AN_EXPERIMENT
from reports.page.data import Cell, Column, Part, Table
from reports.page.formats import NOTHING, Form, count, moment, number, number_cell, text_cell
from reports.page.words import METRICS

LONGEST_AGE: Final = timedelta(days=30)
"""A machine's neighbours, its kernel and its temperature change; an older calibration is called stale."""
SAME: Final = ("engine", "kernel", "python", "servers", "git_commit", "load_generator")
"""What a calibration and a run must have in common for the calibration to be called current; the hardware and the target have to be."""
_MS_PER_US: Final = 1e-3


def calibration_part(record: RunHead, calibration: Calibration | None, anchor: str) -> Part:
    """The part of a section that says how often equal treatments seem to differ on the run's machine, and which slowdowns are found."""
    title = "How far to trust a comparison"
    if calibration is None:
        text = (
            "This machine has no calibration: how often two equal treatments seem to differ on it, and how small a slowdown is found, "
            "has not been measured. `nox -s calibrate` does that in about 20 minutes."
        )
        return Part(f"{anchor}-calibration", title, points=(text,))
    comparisons = sum(metric.comparisons for metric in calibration.metrics)
    false_alarms = sum(metric.false_alarms for metric in calibration.metrics)
    text = (
        f"A calibration on this machine ({moment(calibration.made_at)}, {calibration.rate_per_s:g} requests/s, "
        f"{calibration.blocks} blocks) compared equal treatments {count(comparisons, 'time')} over {calibration.window} blocks each: "
        f"{count(false_alarms, 'comparison')} showed a difference where there is none ({number(false_alarms / comparisons, Form.SHARE)})."
    )
    return Part(
        f"{anchor}-calibration",
        title,
        text=text,
        points=staleness(record, calibration),
        tables=(_metrics_table(calibration, anchor), _planted_table(calibration, anchor)),
    )


def staleness(record: RunHead, calibration: Calibration) -> tuple[str, ...]:
    """Why a calibration says less of a run than it might; empty where it is current."""
    differing = [name.replace("_", " ") for name in SAME if getattr(record.provenance, name) != getattr(calibration.provenance, name)]
    reasons = []
    if differing:
        reasons.append(f"The calibration is stale: its {' and '.join(differing)} {'differs' if len(differing) == 1 else 'differ'}.")
    if record.started_at - calibration.made_at > LONGEST_AGE:
        reasons.append(f"The calibration is stale: it is more than {LONGEST_AGE.days} days older than the run.")
    return tuple(reasons)


def _metrics_table(calibration: Calibration, anchor: str) -> Table:
    return Table(
        name=f"{anchor}-calibration",
        title="Equal treatments on this machine",
        columns=(
            Column("Measure", ("metric",)),
            Column("Comparisons", ("comparisons",), is_number=True),
            Column("False alarms", ("false_alarms",), is_number=True),
            *(
                Column(f"Smallest change found with {blocks} blocks", (f"smallest_ratio_{blocks}_blocks",), is_number=True)
                for blocks in BLOCKS_OF_AN_EXPERIMENT
            ),
        ),
        rows=tuple(
            (
                text_cell(METRICS[metric.metric].title),
                number_cell(metric.comparisons),
                number_cell(metric.false_alarms),
                *(_smallest(metric, blocks) for blocks in BLOCKS_OF_AN_EXPERIMENT),
            )
            for metric in calibration.metrics
        ),
        note="The smallest change is the one that a comparison of two treatments over so many blocks finds in 80 % of experiments, "
        "from the spread of the ratios of equal treatments within a block.",
    )


def _smallest(metric: CalibratedMetric, blocks: int) -> Cell:
    ratio = metric.smallest_detectable.get(blocks)
    return Cell(NOTHING, (None,)) if ratio is None else Cell(f"{number(ratio - 1, Form.SHARE, signed=True)}", (ratio,))


def _planted_table(calibration: Calibration, anchor: str) -> Table:
    return Table(
        name=f"{anchor}-planted",
        title="Slowdowns of known size on this machine",
        columns=(
            Column("Planted, of the median service time", ("planted_share",), is_number=True),
            Column("Planted (ms)", ("planted_ms",), is_number=True),
            Column("Measured (ms)", ("measured_ms",), is_number=True),
            Column("Comparisons", ("comparisons",), is_number=True),
            Column("Found", ("found",), is_number=True),
        ),
        rows=tuple(
            (
                Cell(f"+{number(one.share, Form.SHARE)}", (one.share,)),
                number_cell(one.delay_us * _MS_PER_US),
                number_cell(one.measured_ms),
                number_cell(one.comparisons),
                number_cell(one.found),
            )
            for one in calibration.planted
        ),
        note=f"Each answer was held back between gateway and service for so long. Found: the ratio of the median response times over "
        f"{calibration.window} blocks has an interval above 1.",
    )

"""What a plan says of the intervals to come."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest

from experiments.calibration import PILOT, calibration
from experiments.definition import Experiment, Metric
from experiments.expected_width import half_width, width_words
from experiments.records.calibration import CalibratedMetric, Calibration
from tests.unit.reports.factory import PROVENANCE

ASKED = calibration(PILOT, 0.004, blocks=10)
CALIBRATED = Calibration(
    run_id="20261122T120000Z-calibration",
    made_at=datetime(2026, 11, 22, 12, tzinfo=UTC),
    provenance=PROVENANCE,
    topology=PILOT.topology,
    rate_per_s=200,
    blocks=12,
    window=6,
    metrics=(CalibratedMetric(metric=Metric.RESPONSE_P50_MS, comparisons=12, false_alarms=1, spread=0.05, smallest_detectable={}),),
    planted=(),
)


def test_the_half_width_is_that_of_student_s_t_with_the_efficiency_of_the_signed_rank_test() -> None:
    """t(0.975, 9) is 2.2622, so ten blocks that vary by 5 % give 3.7 %."""
    assert half_width(0.05, 10) == pytest.approx(math.expm1(2.2622 * 0.05 / math.sqrt(10 * 3 / math.pi)), rel=1e-4)
    assert half_width(0.05, 20) < half_width(0.05, 10)


@pytest.mark.parametrize(
    ("asked", "calibrated", "expected"),
    [
        (ASKED, CALIBRATED, "expected 95 % intervals of ratios, by the calibration of 2026-11-22: response_p50_ms ±4 %"),
        (ASKED, None, "how wide its intervals will be is not known on this machine; `nox -s calibrate` measures it"),
        (ASKED.model_copy(update={"trials": 3}), CALIBRATED, "3 trials of a treatment have no interval; it takes 5"),
        (PILOT, CALIBRATED, ""),
    ],
)
def test_a_plan_says_how_wide_its_intervals_will_be(asked: Experiment, calibrated: Calibration | None, expected: str) -> None:
    """Or why that can not be told; an experiment with one treatment compares nothing."""
    assert width_words(asked, calibrated) == expected

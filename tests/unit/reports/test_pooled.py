"""The share of requests over trials: known answers of its bounds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from reports.analysis.pooled import Counts, PooledShare, above_probability, pooled_share


def _share(*trials: Counts, claimed: float = 0.001) -> PooledShare:
    found = pooled_share(trials, claimed)
    assert found is not None
    return found


@pytest.mark.parametrize(("trials", "bad"), [(5, 0), (5, 5), (20, 1), (50, 25), (200, 3)])
def test_where_a_trial_loses_all_or_nothing_the_bounds_are_those_of_a_binomial(trials: int, bad: int) -> None:
    """Clopper & Pearson's, of so many bad trials of all."""
    found = _share(*[Counts(10, 10)] * bad, *[Counts(0, 10)] * (trials - bad), claimed=1)
    expected = stats.binomtest(bad, trials).proportion_ci(0.95, method="exact")
    assert (found.low(0.025), found.high(0.025)) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_the_probability_is_that_of_a_random_mean() -> None:
    """Weights that are uniform over all that add up to 1, drawn here and integrated there."""
    rng = np.random.default_rng(1)
    values = [0.0, 0.0, 0.1, 0.35, 0.35, 0.8, 1.0]
    means = rng.dirichlet(np.ones(len(values)), 200_000) @ values
    for bound in (0.2, 0.35, 0.5):
        assert above_probability(values, bound) == pytest.approx(float((means > bound).mean()), abs=0.004)


def test_a_p_value_and_a_bound_of_the_same_tail_agree() -> None:
    """A bound is left out with exactly the tail that is its p-value."""
    found = _share(*[Counts(events, 1000) for events in (0, 3, 0, 1, 8, 0, 2)], claimed=0.01)
    assert found.p_at_most(found.high(0.025)) == pytest.approx(0.025)
    assert found.p_at_least(found.low(0.025)) == pytest.approx(0.025)
    assert found.low(0.025) < found.value < found.high(0.025)


def test_the_share_is_the_ratio_of_the_sums() -> None:
    """A small trial counts for less than a large one."""
    found = _share(Counts(10, 100), Counts(0, 900))
    assert found.value == pytest.approx(0.01)
    assert float(np.mean(found.shares)) == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("events", "claimed", "ceiling"), [(0, 0.001, 0.01), (0, 0.3, 1.0), (0, 0.0, 1.0), (500, 0.001, 0.5), (0, -1.0, 1.0)]
)
def test_the_ceiling_is_ten_times_the_claim_or_the_worst_trial(events: int, claimed: float, ceiling: float) -> None:
    """No share is more than all, and a claim of nothing lost gives no reason for less."""
    assert _share(Counts(events, 1000), Counts(0, 1000), claimed=claimed).ceiling == pytest.approx(ceiling)


def test_a_trial_without_requests_leaves_no_share() -> None:
    """Nor do no trials."""
    assert pooled_share([Counts(0, 10), Counts(0, 0)], 0.1) is None
    assert pooled_share([], 0.1) is None


def test_the_bounds_hold_for_rare_bad_trials() -> None:
    """Trials lose 1 % with probability 0.1, else a thousandth of that: either bound misses the truth in at most 2.5 % of experiments."""
    rng = np.random.default_rng(2)
    truth = 0.1 * 0.01 + 0.9 * 0.00001
    missed = {"low": 0, "high": 0}
    for _ in range(400):
        lost = rng.binomial(5000, np.where(rng.random(12) < 0.1, 0.01, 0.00001))
        found = PooledShare(tuple((lost / 5000).tolist()), 0.02, int(lost.sum()), 60_000)
        missed["low"] += found.p_at_least(truth) < 0.025
        missed["high"] += found.p_at_most(truth) < 0.025
    assert max(missed.values()) <= 20  # 2.5 % of 400 are 10; more than 20 have a probability below 0.2 %

"""What keeps a claim on typical values from a verdict although its interval would give one."""

from __future__ import annotations

from collections.abc import Mapping

from experiments.definition import Metric
from reports.analysis.estimates import Estimate, Unmeasured
from reports.analysis.percentiles import label

NEEDS_STEADY_STATE = frozenset(
    {
        Metric.RESPONSE_P50_MS,
        Metric.RESPONSE_P95_MS,
        Metric.RESPONSE_P99_MS,
        Metric.CPU_MS_PER_REQUEST,
        Metric.THROUGHPUT_PER_S,
        Metric.SQL_PER_10K_READS,
    }
)
"""Metrics whose typical value is one of the steady state; where there is none it depends on when the measure phase began and ended."""
PERCENTILES: Mapping[Metric, int] = {Metric.RESPONSE_P50_MS: 500, Metric.RESPONSE_P95_MS: 950, Metric.RESPONSE_P99_MS: 990}
"""The percentile that a metric is, in per mille."""
MOST_OF_THE_GENERATOR = 0.1
"""The largest part of a judged percentile that may be the load generator's own lateness."""
PERCENT = 100

GeneratorParts = Mapping[str, Mapping[int, Estimate | Unmeasured]]
"""The load generator's own part of the response time, by treatment and percentile in per mille."""


def veto(metric: Metric, titles: Mapping[str, str], not_steady: Mapping[str, str], parts: GeneratorParts) -> str | None:
    """Why a claim on the typical value of a metric is not judged; None: nothing speaks against it.

    ``titles`` has the claim's treatments by name, ``not_steady`` the reason for each treatment without a steady state.
    """
    return _no_steady_state(metric, titles, not_steady) or _generator(metric, titles, parts)


def _no_steady_state(metric: Metric, titles: Mapping[str, str], not_steady: Mapping[str, str]) -> str | None:
    if metric not in NEEDS_STEADY_STATE:
        return None
    return next((f"“{title}”: {not_steady[name]}" for name, title in titles.items() if name in not_steady), None)


def _generator(metric: Metric, titles: Mapping[str, str], parts: GeneratorParts) -> str | None:
    per_mille = PERCENTILES.get(metric)
    if per_mille is None:
        return None
    found = [(part.value, title) for name, title in titles.items() if isinstance(part := parts[name][per_mille], Estimate)]
    share, title = max(found, default=(0.0, ""))
    if share <= MOST_OF_THE_GENERATOR:
        return None
    return (
        f"“{title}”: the load generator's own lateness is {share * PERCENT:.0f} % of {label(per_mille)}, "
        f"more than the {MOST_OF_THE_GENERATOR * PERCENT:.0f} % up to which it is judged"
    )

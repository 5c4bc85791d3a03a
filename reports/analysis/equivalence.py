"""Whether requests were served as fast as others, within a band: a test of equivalence, and one of its opposite.

Two sets of requests are compared after the response times of the reference were multiplied by the band. If the others were slower by
exactly the band, both would now have one distribution, and of the slowest requests of both together each would come from either set
in proportion to its size: their number is binomial. Clearly fewer of the slowest show that service was *within* the band, clearly more
that it was *beyond* it, and neither is no answer: a small sample shows nothing, and is never taken for good service.

This is the quantile test (Johnson, Verrill & Moore, "Two-sample rank tests for detecting changes that occur in a small proportion of
the treated population", Biometrics 43(3), 1987) on both sides of a margin (two one-sided tests: Schuirmann, "A comparison of the two
one-sided tests procedure and the power approach", J. Pharmacokinetics and Biopharmaceutics 15(6), 1987), with the binomial in place of
the hypergeometric distribution: it is a little wider, and takes as long for millions of requests as for ten. It asks nothing of the
distribution of response times, takes failures as slower than every answer, and holds for samples of every size. It is done for the
slowest 5 % and for the slowest half, because a slowdown of everything shows best in the median and one of some requests in the tail.

Its probabilities are of requests that are independent within a trial. Trials differ too, which one trial can't know: only several of
them can make a verdict.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from reports.analysis.percentiles import WHOLE

TAIL_PER_MILLE = 950
COMPARED_PER_MILLE = (500, TAIL_PER_MILLE)
"""The percentiles from which on requests are the slowest. Between two trials of the quick suite without a fault p95 differs by 8 to
30 % and p99 by 40 to 60 %, so that p99 would call noise a fault."""
SHOWN_WITHIN = 0.2
"""Probability of fewer slow requests, were service slower by the band, up to which it is shown to be within the band. It is large for
one trial because a verdict needs the same of nearly all of five or more: of five with a probability of 0.2**5."""
LIKELY_WITHIN = 0.5
"""The same, up to which it is likelier to be within the band than beyond it."""
SHOWN_BEYOND = 0.025
"""Probability of more slow requests, were service slower by the band, up to which it counts as beyond it; for all percentiles together
(Bonferroni). With two stretches for each second that is 5 % in all."""

CELL = np.log(1.02)
"""Response times are told apart to 2 %, so that each stretch of a trial is a row of counts, however many requests it has."""
FASTEST_MS = 0.05
SLOWEST_MS = 200_000.0
CELLS = int(np.ceil(np.log(SLOWEST_MS / FASTEST_MS) / CELL)) + 2
"""Of answers, and a last one of failures."""

Rows = NDArray[np.int64]
"""One stretch of a trial in each row: requests by cell of the response time."""


@dataclass(frozen=True, eq=False)
class Compared:
    """Each stretch against what is normal for it."""

    fewer: NDArray[np.float64]
    """Probability of as few slow requests as it had, were it slower by the band; the larger one of the percentiles."""
    more: NDArray[np.float64]
    """Probability of as many; the smaller one of the percentiles."""

    @property
    def is_within(self) -> NDArray[np.bool_]:
        """Whether it was shown to be within the band."""
        return self.fewer <= SHOWN_WITHIN

    @property
    def is_likely_within(self) -> NDArray[np.bool_]:
        """Whether it was likelier within the band than beyond it."""
        return self.fewer <= LIKELY_WITHIN

    @property
    def is_beyond(self) -> NDArray[np.bool_]:
        """Whether it was shown to be beyond the band."""
        return self.more <= SHOWN_BEYOND / len(COMPARED_PER_MILLE)


def rows(number: NDArray[np.intp], response_ms: NDArray[np.float64], count: int) -> Rows:
    """Requests by the row that they belong to and by response time."""
    in_range = np.clip(response_ms, FASTEST_MS, SLOWEST_MS)
    cell = np.where(np.isinf(response_ms), CELLS - 1, np.floor(np.log(in_range / FASTEST_MS) / CELL)).astype(np.intp)
    return np.bincount(number * CELLS + cell, minlength=count * CELLS).reshape(count, CELLS)


def compare(own: Rows, reference: Rows) -> Compared:
    """Each row against the same row of the reference, whose response times were multiplied by the band."""
    fewer, more = zip(*(_probabilities(own, reference, per_mille) for per_mille in COMPARED_PER_MILLE), strict=True)
    return Compared(np.max(fewer, axis=0), np.min(more, axis=0))


def _probabilities(own: Rows, reference: Rows, per_mille: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of as few, and of as many, of the slowest requests coming from each row as do, were both of one distribution."""
    slower = own[:, ::-1].cumsum(axis=1)
    together = slower + reference[:, ::-1].cumsum(axis=1)
    everything = together[:, -1]
    slowest = -(-everything * (WHOLE - per_mille) // WHOLE)
    last = (together >= slowest[:, None]).argmax(axis=1)

    def split(counts: Rows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Requests before, and in, the cell in which the slowest ones end."""
        reached = np.take_along_axis(counts, last[:, None], axis=1)[:, 0]
        before = np.where(last > 0, np.take_along_axis(counts, np.maximum(last - 1, 0)[:, None], axis=1)[:, 0], 0)
        return before, reached - before

    (own_before, own_in), (before, inside) = split(slower), split(together)
    # Requests of one cell are equally slow, so each row has its part of those that are still needed.
    from_own = own_before + (slowest - before) * own_in / np.maximum(inside, 1)
    share = slower[:, -1] / np.maximum(everything, 1)
    return np.asarray(binom.cdf(np.ceil(from_own), slowest, share)), np.asarray(binom.sf(np.floor(from_own) - 1, slowest, share))

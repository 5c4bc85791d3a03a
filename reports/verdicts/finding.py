"""What the measurement says of a claim: the outcomes, and what every kind of claim is judged into."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from experiments.definition import TRIALS_FOR_A_VERDICT
from reports.analysis.estimates import Estimate, Unmeasured
from reports.analysis.pooled import PooledShare
from reports.analysis.power import LEVEL, Statistic


class Outcome(StrEnum):
    """What the measurement says of a claim."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    PARTLY = "holds in part"
    """Every point of a curve has a verdict, and they differ."""
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class EveryTrial:
    """What the single trials say of a claim that is over each of them."""

    worst: float
    """The value that is furthest towards or beyond a claimed bound."""
    worst_trial: str
    trials: int
    """Trials that were measured."""
    counterexamples: int
    requests: int | None
    """Requests due in the measure phase of all these trials; None where the claim is not about every request."""


@dataclass(frozen=True)
class Pooled:
    """A share over all trials, in the unit of its metric."""

    value: float
    low: float
    high: float
    share: PooledShare
    """The requests that were lost, of all."""

    @property
    def has_interval(self) -> bool:
        """Whether it rests on enough trials for one."""
        return self.share.trials >= TRIALS_FOR_A_VERDICT


Figure = Estimate | EveryTrial | Pooled | Unmeasured


@dataclass(frozen=True)
class Tested:
    """The p-values on which a verdict rests: two-sided, each 1 minus the confidence of the interval that just reaches the verdict."""

    confirms: float
    """The smallest level at which the interval lies within the claimed bounds."""
    refutes: float
    """The smallest level at which it lies outside of them."""
    interval_level: float = LEVEL
    """1 minus the confidence of the interval that is printed."""

    @property
    def p_value(self) -> float:
        """The smallest level at which there is a verdict."""
        return min(self.confirms, self.refutes)

    @property
    def outcome(self) -> Outcome:
        """The verdict at that level."""
        return Outcome.CONFIRMED if self.confirms <= self.refutes else Outcome.REFUTED


@dataclass(frozen=True)
class Sample:
    """What the power of a test on a location is computed from, in a unit in which differences add up: of ratios their logarithms."""

    values: tuple[float, ...]
    """One a trial or block; not finite where a trial's value is not known."""
    location: float
    """Their estimated location."""
    bounds: tuple[float, ...]
    """The claimed bounds."""
    is_log: bool
    statistic: Statistic


@dataclass(frozen=True)
class Effort:
    """What it would take to decide a claim that is inconclusive."""

    detectable: float | None
    """The smallest distance from the claimed bound that this run could have found with 80 % power, in the metric's unit; of a ratio as a
    share of the bound. None: it can't be told, or these trials can't reach a verdict at any distance."""
    trials: int | None
    """Trials of each treatment that decide the claim with 80 % power if the estimate is the truth; None: no number of trials does."""
    minutes: float | None
    """How long a run with that many trials of each treatment takes at this run's pace; None: unknown."""


@dataclass(frozen=True)
class Finding:
    """A claim, or one point of a curve, before it is judged together with the other claims of its run."""

    figure: Figure
    trials: int
    """Valid trials of each treatment that it rests on, the fewest; for a ratio the blocks that are complete."""
    tested: Tested | None
    """None where no verdict can be given, whatever the other claims are."""
    reason: str = ""
    """Why nothing was tested; empty where something was."""
    sample: Sample | None = None
    """Of a location; None where nothing was measured, and for a share."""


def too_few(trials: int) -> str:
    """Why so few trials have no verdict."""
    return f"{trials} trial{'' if trials == 1 else 's'}: a verdict takes {TRIALS_FOR_A_VERDICT}"

"""Time to detect: when the system itself noticed a fault, and which part of it did so first.

A detector is something that turns: a replica says that it is not ready, or doesn't answer the question; a circuit breaker opens; the
relay loses the broker; the broker loses a consumer; NGINX gives up on a delivery and passes it on. Each was well before the injection (at
its last reading; for NGINX and a replica in all of the measure phase) and is not at a later one. NGINX's log has the moment itself; all
others are known to the time of the reading, so they may have turned up to one probe period earlier: their ``late_s``. Where nothing
turned until all was over, the time to detect is only known to be longer than that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from reports.analysis.estimates import Observation, Unmeasured
from reports.analysis.faults import struck
from reports.loading import Readings, TrialData, Window

GAVE_UP: Final = "upstream_gave_up_at"
"""A metric of moments: each reading's value is the time at which NGINX gave up on a delivery for the first time since the last one."""
DETECTORS: Final[Mapping[str, str]] = {
    GAVE_UP: "NGINX passes over {node}",
    "ready": "{node} is not ready",
    "cache_available": "{node} opens its breaker to the cache",
    "peers_available": "{node} opens its breaker to its peers",
    "broker_connected": "{node} has lost the broker",
    "queue_consumers": "{node} has lost a consumer",
}
"""What is said of a detector by its metric."""


@dataclass(frozen=True)
class Detection:
    """One detector that turned."""

    what: str
    after_s: float
    """Since the first injection."""
    late_s: float
    """It may have turned so much earlier."""


def detections(trial: TrialData) -> tuple[Detection, ...] | Unmeasured:
    """Everything that noticed the trial's faults, the first one first."""
    when = struck(trial)
    if isinstance(when, Unmeasured):
        return when
    if not any(trial.samples.get(metric) for metric in DETECTORS):
        return Unmeasured("nothing was read that would notice a fault")
    window = when.until_ready
    found = []
    for metric, words in DETECTORS.items():
        for node, readings in trial.samples.get(metric, {}).items():
            noticed = _gave_up(readings, trial, window) if metric == GAVE_UP else _turned(readings, window)
            if noticed is not None:
                found.append(Detection(words.format(node=node), *noticed))
    return tuple(sorted(found, key=lambda one: (one.after_s, one.what)))


def time_to_detect(trial: TrialData) -> Observation | Unmeasured:
    """Seconds from the first injection until something of the system had noticed."""
    found = detections(trial)
    if isinstance(found, Unmeasured):
        return found
    if found:
        return Observation.exact(found[0].after_s)
    when = struck(trial)
    return when if isinstance(when, Unmeasured) else Observation.above(when.until_ready.length_s)


def _gave_up(readings: Readings, trial: TrialData, window: Window) -> tuple[float, float] | None:
    moments_s = readings.value - trial.record.epoch_unix_s
    if ((moments_s >= trial.measure.start_s) & (moments_s < window.start_s)).any():
        return None
    inside = moments_s[(moments_s >= window.start_s) & (moments_s <= window.end_s)]
    return (float(inside.min()) - window.start_s, 0.0) if inside.size else None


def _turned(readings: Readings, window: Window) -> tuple[float, float] | None:
    """The first reading in the window below the last one before it."""
    before = readings.at_s < window.start_s
    if not before.any():
        return None
    well = readings.value[before][-1]
    fallen = (readings.at_s >= window.start_s) & (readings.at_s <= window.end_s) & (readings.value < well)
    if not fallen.any():
        return None
    place = int(fallen.argmax())
    at_s = float(readings.at_s[place])
    return at_s - window.start_s, at_s - max(float(readings.at_s[place - 1]), window.start_s)

"""The backlog of enrolments that were accepted and are not decided, and how it drains once everything is in good health again.

The backlog is what the outbox of the enrollment service holds: a task stays in it, sent or not, until its effect is stored, so what
waits in the queue is part of it. Where the outbox was not read, the queue alone is. Normal is what it held at most in the measure phase
before the fault. It is drained at the first reading from which HOLD_S of readings in a row are normal; right-censored where none is.
"""

from __future__ import annotations

import numpy as np

from reports.analysis.estimates import Observation, Unmeasured
from reports.analysis.faults import Struck, struck
from reports.loading import Readings, TrialData

OUTBOX, QUEUE = "outbox_tasks", "queue_messages"
HOLD_S = 1.0
UNREAD = Unmeasured("neither outbox nor queue was read")


def backlog(trial: TrialData) -> Readings | None:
    """Readings of the backlog by time; every replica counts the same outbox, so theirs follow each other."""
    readings = list((trial.samples.get(OUTBOX) or trial.samples.get(QUEUE) or {}).values())
    if not readings:
        return None
    at_s = np.concatenate([one.at_s for one in readings])
    order = np.argsort(at_s, kind="stable")
    return Readings(at_s[order], np.concatenate([one.value for one in readings])[order])


def backlog_peak(trial: TrialData) -> Observation | Unmeasured:
    """The most that it held in the measure phase."""
    found = backlog(trial)
    if found is None:
        return UNREAD
    inside = found.value[(found.at_s >= trial.measure.start_s) & (found.at_s <= trial.measure.end_s)]
    return Observation.exact(inside.max()) if inside.size else UNREAD


def drain_after_ready(trial: TrialData) -> Observation | Unmeasured:
    """Seconds from when everything was in good health again until the backlog was back to normal."""
    when = struck(trial)
    if isinstance(when, Unmeasured):
        return when
    found = backlog(trial)
    if found is None:
        return UNREAD
    return drain(found, when, trial.measure.start_s)


def drain(found: Readings, when: Struck, normal_from_s: float) -> Observation | Unmeasured:
    """The same of given readings."""
    before = found.value[(found.at_s >= normal_from_s) & (found.at_s < when.injected_s)]
    if not before.size:
        return Unmeasured("the backlog was not read before the fault, so nothing says what is normal")
    if when.ready_s is None:
        return Unmeasured("not everything that was broken was healed and seen in good health again")
    # The last reading before it is ready says how it is at that moment.
    later = found.at_s >= max(found.at_s[found.at_s <= when.ready_s], default=when.ready_s)
    at_s, is_normal = found.at_s[later], found.value[later] <= before.max()
    for place, time_s in enumerate(at_s):
        if time_s + HOLD_S > at_s[-1]:
            break
        if is_normal[place:][at_s[place:] <= time_s + HOLD_S].all():
            return Observation.exact(max(0.0, time_s - when.ready_s))
    return Observation.above(max(0.0, found.at_s[-1] - when.ready_s))


def decided_after_heal(trial: TrialData) -> Observation | Unmeasured:
    """Seconds from the last heal until nothing that was accepted in the trial was under way; an upper bound, for the load goes on."""
    when = struck(trial)
    if isinstance(when, Unmeasured):
        return when
    settled_s = trial.state.settled_at_s
    if settled_s is None:
        return Unmeasured("the run does not say when the system was quiet")
    if when.healed_s is None:
        return Unmeasured("a fault was never healed")
    waited_s = settled_s - when.healed_s
    return Observation.exact(waited_s) if trial.state.settled else Observation.above(waited_s)

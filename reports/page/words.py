"""What the page calls things, and what they mean: one place for the metrics' names, units and definitions."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.definition import TRIALS_FOR_A_VERDICT, Metric, Operation
from reports.analysis.equivalence import TAIL_PER_MILLE
from reports.analysis.estimates import CONFIDENCE
from reports.analysis.percentiles import SAMPLES_BEYOND, SAMPLES_BEYOND_IN_SERIES, label
from reports.page.data import Term
from reports.page.formats import Form


@dataclass(frozen=True)
class MetricWords:
    """How a metric is called and written."""

    title: str
    unit: str
    form: Form
    definition: str

    @property
    def heading(self) -> str:
        """Title with its unit."""
        return f"{self.title} ({self.unit})" if self.unit else self.title


_RESPONSE = "of the time from the moment a request was due to its last byte; a failed request counts as slower than every answer"

METRICS: dict[Metric, MetricWords] = {
    Metric.RESPONSE_P50_MS: MetricWords("Response time, median", "ms", Form.NUMBER, f"Median {_RESPONSE}."),
    Metric.RESPONSE_P95_MS: MetricWords("Response time, p95", "ms", Form.NUMBER, f"95th percentile {_RESPONSE}."),
    Metric.RESPONSE_P99_MS: MetricWords("Response time, p99", "ms", Form.NUMBER, f"99th percentile {_RESPONSE}."),
    Metric.THROUGHPUT_PER_S: MetricWords(
        "Throughput", "answers/s", Form.NUMBER, "Right answers that came within the measure phase, divided by its length."
    ),
    Metric.AVAILABILITY: MetricWords(
        "Availability", "", Form.SHARE, "Share of the requests due in the measure phase that got a right answer, whenever it came."
    ),
    Metric.FAILED_REQUESTS: MetricWords(
        "Failed requests", "", Form.NUMBER, "Requests due in the measure phase that got a wrong answer, none in time, or none at all."
    ),
    Metric.TIME_TO_RECOVER_S: MetricWords(
        "Time to recover",
        "s",
        Form.NUMBER,
        "From the fault until clients are served as before, in whole seconds (after Brown & Patterson, USENIX ATC 2000): until the load "
        f"ends, the median and {label(TAIL_PER_MILLE)} of the response time are shown to be within the experiment's band of those of the "
        "control trial in the same seconds, and no second has more failures than the control trial and the seconds before the fault "
        "explain (a single one is never more). Where the block has no valid control trial, the seconds before the fault take its "
        "place. Where noise hides the second, a trial tells bounds. 0: nothing was seen to be worse than without the fault.",
    ),
    Metric.SQL_PER_10K_READS: MetricWords(
        "SQL statements per 10,000 reads",
        "",
        Form.NUMBER,
        "Statements that the services ran at the three PostgreSQL servers in the measure phase, for every 10,000 course and student reads "
        "answered in it. Whatever else ran meanwhile is counted too: enrolments, their worker, the outbox's polling.",
    ),
    Metric.CPU_MS_PER_REQUEST: MetricWords(
        "Processor time per request",
        "ms",
        Form.NUMBER,
        "Processor time of all nodes in the measure phase, divided by the requests answered; the load generator is not part of it.",
    ),
    Metric.SLOWEST_RESPONSE_MS: MetricWords(
        "Slowest request", "ms", Form.NUMBER, "Response time of the slowest request of the measure phase; ∞ where one failed."
    ),
    Metric.OBJECTIVE_MET: MetricWords(
        "Objective met",
        "",
        Form.SHARE,
        "Share of the requests due in the measure phase that got a right answer within the objective's time.",
    ),
    Metric.ERROR_BUDGET_SPENT: MetricWords(
        "Error budget spent",
        "",
        Form.TIMES,
        "Requests of the measure phase that missed the objective, divided by those that it allows to; above 1 it was missed.",
    ),
    Metric.LOST_SERVICE_S: MetricWords(
        "Lost service",
        "s",
        Form.NUMBER,
        "The share of a second's requests that were not answered right within the objective's time, added up over the measure phase: the "
        "area of the resilience triangle (Bruneau et al., Earthquake Spectra 19(4), 2003). 2 s without any service are 2 s, and so "
        "are 20 s with a tenth of it missing.",
    ),
    Metric.FAILED_DURING_FAULT: MetricWords(
        "Failed during the fault",
        "",
        Form.SHARE,
        "Share of the requests due from the first injection until everything was ready again that failed.",
    ),
    Metric.TAIL_RATIO: MetricWords(
        "Response-time tail, times the control's",
        "",
        Form.TIMES,
        "The highest of p99, p95 and p90 that the requests due from injection to ready support, divided by the same of the same seconds in "
        "the block's control trial.",
    ),
    Metric.TAIL_AFTER_RATIO: MetricWords(
        "Response-time tail afterwards, times the control's",
        "",
        Form.TIMES,
        "The same of the requests that were due from when everything was ready again until the load ended.",
    ),
    Metric.TIME_TO_FIRST_FAILURE_S: MetricWords(
        "Time to first failure",
        "s",
        Form.OR_NONE,
        "From the first injection to when the first request that failed was due; none: no request failed.",
    ),
    Metric.TIME_TO_DETECT_S: MetricWords(
        "Time to detect",
        "s",
        Form.NUMBER,
        "From the first injection until something of the system itself was seen to have noticed: NGINX gave up on a delivery (known to the "
        "millisecond), a replica was not ready, a breaker was open, the broker or a consumer was lost (each up to a probe period late).",
    ),
    Metric.TIME_TO_MITIGATE_S: MetricWords(
        "Time to mitigate",
        "s",
        Form.NUMBER,
        "From the first injection until no further request failed although the fault was still in force; 0: none failed; “>”: they went on "
        "failing until it was healed.",
    ),
    Metric.RECOVERY_AFTER_HEAL_S: MetricWords(
        "Recovery after the heal",
        "s",
        Form.NUMBER,
        "Like the time to recover, from when the last heal was begun: the time that a server takes to start is part of it.",
    ),
    Metric.RECOVERY_AFTER_READY_S: MetricWords(
        "Recovery after it is back",
        "s",
        Form.NUMBER,
        "Like the time to recover, from when the last target was seen in good health again; 0: clients were served as before by then.",
    ),
    Metric.BACKLOG_PEAK: MetricWords(
        "Backlog, peak",
        "enrolments",
        Form.NUMBER,
        "The most enrolments of the measure phase that were accepted and not decided at one time.",
    ),
    Metric.DRAIN_AFTER_READY_S: MetricWords(
        "Drained after it is back",
        "s",
        Form.NUMBER,
        "From when the last target was seen in good health again until the backlog was no larger than before the fault, for a second of "
        "readings in a row; up to one probe period late.",
    ),
    Metric.DECIDED_AFTER_HEAL_S: MetricWords(
        "All decided after the heal",
        "s",
        Form.NUMBER,
        "From when the last heal was begun until every accepted request of the trial was decided, later ones too: at most so long.",
    ),
}

RECOVERIES = frozenset({Metric.TIME_TO_RECOVER_S, Metric.RECOVERY_AFTER_HEAL_S, Metric.RECOVERY_AFTER_READY_S})
"""The metrics that last until clients are served as before."""


def as_before(band: float) -> str:
    """What "served as before" means in an experiment with this band."""
    return (
        f"as before is within {band:g}{Form.TIMES.value} of the control trial's median and tail ({label(TAIL_PER_MILLE)}) of the response "
        "time until the load ends, without more failures than the background explains"
    )


OPERATIONS: dict[Operation | None, str] = {
    None: "all operations",
    Operation.READ_COURSE: "read a course",
    Operation.LIST_COURSES: "list courses",
    Operation.READ_STUDENT: "read a student",
    Operation.ENROLL: "enrol",
    Operation.READ_ENROLLMENT: "read an enrolment",
    Operation.DROP: "drop an enrolment",
    Operation.READ_SEATS: "look at seats",
    Operation.UPDATE_CAPACITY: "change a capacity",
    Operation.UPDATE_STUDENT: "change a student",
    Operation.REUSE_KEY: "use a key again",
}

COMMON_GLOSSARY: tuple[Term, ...] = (
    Term(
        "value [low, high]",
        f"The median over trials, and a {CONFIDENCE:.0%} bootstrap interval over trials, expanded for small samples (Hesterberg 2015). "
        "With five trials it reaches from the smallest to the largest one and covers the true median with a probability of 93.75 %, "
        "whatever the distribution. Requests of different trials are never put together, and percentiles are never averaged.",
    ),
    Term("indicative", f"Rests on fewer than {TRIALS_FOR_A_VERDICT} trials of each treatment, or rounds: a hint, no verdict."),
    Term(
        "invariants",
        "What must hold after every trial or measurement, whatever was measured. The worst one wins; what was not checked is unknown, "
        "never passed. A trial without anything that one could be checked on counts neither for nor against it.",
    ),
    Term(
        "percentile",
        f"The smallest value that so many per cent do not exceed. Printed only if at least {SAMPLES_BEYOND} requests of every trial lie "
        f"beyond it (p99 needs 1,000 requests, p99.9 needs 10,000); in a single second {SAMPLES_BEYOND_IN_SERIES} suffice, because the "
        "line is a median over trials. ∞: more requests failed than lie beyond it.",
    ),
)

OPEN_LOOP_GLOSSARY: tuple[Term, ...] = (
    Term(
        "confirmed, refuted, inconclusive",
        "The whole interval lies within the claimed bounds; the whole interval lies outside; it reaches across a bound or there is none. "
        "Each claim is judged by itself, without a correction for their number.",
    ),
    Term(
        "trial, block, treatment",
        "A trial measures one treatment once. A block has one trial of each treatment, in random order and with the same requests.",
    ),
    Term(
        "response time, service time",
        "Both end with the answer's last byte. Response time begins when the request was due by the schedule, service time when it was "
        "sent: a system that stalls can't hide it by delaying the next request (coordinated omission).",
    ),
    Term("ratio", "Median over blocks of the ratio within the block; the interval is over blocks."),
    Term(
        "shift (Hodges-Lehmann)",
        "The typical difference within a block, in the metric's unit: the median of the averages of all pairs of such differences.",
    ),
    Term(
        "Cliff's delta",
        "+1: every trial of the treatment is above every trial of the reference; −1: all are below; 0: neither tends to be larger.",  # noqa: RUF001
    ),
    Term(
        "control trial",
        "The trial of the same block under the treatment that differs in nothing but that it has no fault. Its requests have the same "
        "schedule, so the same seconds of both can be compared.",
    ),
    Term("valid trial", "One whose load was sent as planned and whose faults provably happened; no other enters estimates and verdicts."),
    *(Term(words.title, words.definition) for words in METRICS.values()),
)

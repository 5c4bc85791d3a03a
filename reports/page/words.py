"""What the page calls things, and what they mean: one place for the metrics' names, units and definitions."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.definition import TRIALS_FOR_A_VERDICT, Metric, Operation
from reports.analysis.equivalence import TAIL_PER_MILLE
from reports.analysis.estimates import CONFIDENCE
from reports.analysis.percentiles import SAMPLES_BEYOND, SAMPLES_BEYOND_IN_SERIES, label
from reports.analysis.pooled import UNSEEN_TIMES
from reports.analysis.power import LEVEL
from reports.page.data import Term
from reports.page.formats import Form, whole_percent


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
        "Statements that the services courses and students ran at their PostgreSQL servers in the measure phase, for every 10,000 reads of "
        "them answered in it. At rest they run none. What enrolments, changes and readiness checks make them run meanwhile is counted. "
        "The server of enrollment answers none of these reads and is polled all the time: only the table by node has its statements.",
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
        f"The median over trials and its {CONFIDENCE:.0%} interval by order statistics, interpolated (Hettmansperger & Sheather 1986). "
        "With five trials the interval reaches from the smallest to the largest one and covers the median of any continuous distribution "
        "with a probability of 93.75 %; with fewer, low and high are the range of the trials, which covers less. A trial counts as one "
        "number, whatever the number of its requests. What is covered is the median of trials on this deployment.",
    ),
    Term(
        "ratio",
        "The typical ratio within a block (or round): the Hodges-Lehmann estimate of the logarithms of the ratios, with the exact interval "
        "of the signed-rank test, which takes these to be spread evenly to both sides. Where the ratio of a block is 0, infinite or "
        "only known within bounds: the median of the ratios, with an interval from one ratio to another that needs no such assumption.",
    ),
    Term(
        "range [low, high]",
        f"The smallest and the largest trial (or round), where there are fewer than {TRIALS_FOR_A_VERDICT}: it is no interval, and "
        "nothing is judged by it.",
    ),
    Term(
        "invariants",
        "What must hold after every trial or measurement, whatever was measured. The worst one wins; what was not checked is unknown, "
        "never passed. A trial without anything that one could be checked on counts neither for nor against it. Not applicable: the "
        "experiment only reads, so that nothing could be lost or invented.",
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
        "Of a claim on typical values or on a share: the whole interval lies within the claimed bounds; the whole interval lies outside; "
        "it reaches across a bound, there is none, or the verdict does not stand after the correction for the other claims of the run. Of "
        f"a claim on every trial: {TRIALS_FOR_A_VERDICT} or more valid trials and no counterexample among them; a counterexample; neither.",
    ),
    Term(
        "in every trial, in the typical trial, of all trials together",
        "What a claim is over. In every trial: one valid counterexample refutes it; what the clean trials leave open is an upper bound of "
        f"{whole_percent(CONFIDENCE)} confidence, 1 − 0.05 to the power of 1/n. In the typical trial: the median over trials, or the "  # noqa: RUF001
        "typical ratio within a block. Of all trials together: requests lost, divided by requests due, added up over trials. Its interval "
        "takes each trial as one draw, because failures come in clusters, and assumes nothing but that no trial loses more than a stated "
        f"share: {UNSEEN_TIMES} times what is claimed of all trials together, or what the worst trial lost (Gaffke 2005).",
    ),
    Term(
        "correction for several claims (Holm)",
        f"The more claims are tested, the likelier one of them gets its verdict by chance. Each p-value is therefore adjusted so that all "
        f"tested claims of a run together have at most {whole_percent(LEVEL)} of that (Holm 1979); a claim on every trial is no test "
        f"and takes no part. A claim that is tested alone with {TRIALS_FOR_A_VERDICT} trials is judged at the 93.75 % of its interval.",
    ),
    Term(
        "differs (Benjamini-Hochberg)",
        "Of the comparisons of a table that are marked so, at most one in twenty is expected to be no difference: the p-values of all rows "
        "are adjusted together (Benjamini & Hochberg 1995). What is not marked may differ too.",
    ),
    Term(
        "holds in part",
        "A claim on several operating points that is confirmed at some of them and refuted at all others; each point is tested by itself.",
    ),
    Term(
        "trial, block, treatment",
        "A trial measures one treatment once. A block has one trial of each treatment, at about the same time; “Set-up” says how evenly "
        "places in the block and predecessors are spread over the treatments. The requests of a block are due at the same moments and are "
        "of the same operations, unless a treatment has a load of its own; the students and the hot courses that they are for can differ "
        "between its trials.",
    ),
    Term(
        "response time, service time",
        "Both end with the answer's last byte. Response time begins when the request was due by the schedule, service time when it was "
        "sent: a system that stalls can't hide it by delaying the next request (coordinated omission).",
    ),
    Term(
        "shift (Hodges-Lehmann)",
        "The ratio in the metric's unit: the estimate and interval of the ratio, minus one, times the median of the reference in the same "
        "blocks. Where the ratio of a block is 0 or infinite: the median of the differences within blocks. Where a block has no ratio at "
        "all (0 against 0): the median of the averages of all pairs of such differences, with the interval of the signed-rank test.",
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

"""The charts of what clients saw: trial by trial, percentile by percentile, second by second."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from experiments.definition import TRIALS_FOR_A_VERDICT, Metric, Treatment
from reports.analysis.estimates import Estimate, Observation
from reports.analysis.faults import fault_spans
from reports.analysis.latency import Curve, curve
from reports.analysis.percentiles import WHOLE, label
from reports.analysis.series import Series, answered_per_s, failed_per_s, response_ms, series, series_tail, served_share, slowest_ms
from reports.analysis.steady import Steadiness
from reports.analysis.summary import Summary
from reports.loading import RunData, TrialData
from reports.page.data import Chart, Line, Panel, Shade
from reports.page.formats import Form
from reports.page.measure_tables import measured_metrics
from reports.page.steady_state import steady_moments, steady_words
from reports.page.words import METRICS

FAVOURITES = (
    Metric.RESPONSE_P50_MS,
    Metric.RESPONSE_P95_MS,
    Metric.RESPONSE_P99_MS,
    Metric.SQL_PER_10K_READS,
    Metric.CPU_MS_PER_REQUEST,
    Metric.THROUGHPUT_PER_S,
)
"""What is drawn trial by trial when no claim asks for more."""
MOST_PANELS = 6
SPREAD = 0.3
"""Width over which the trials of a treatment are spread, so that none hides another."""
NO_COLOR = -1
SECONDS_TITLE = "seconds since the first request was due"


def finite(values: Sequence[float]) -> tuple[float | None, ...]:
    """Values as a chart takes them: a gap where there is none."""
    return tuple(value if math.isfinite(value) else None for value in values)


def line_of(name: str, color: int, found: Series, *, banded: bool = True) -> Line:
    """A series as a line with its range."""
    low, high = (finite(found.low), finite(found.high)) if banded else ((), ())
    return Line(name, color, found.middle_s, finite(found.median), low, high, form="step")


def _common_shades(by_treatment: Sequence[tuple[Shade, ...]]) -> tuple[Shade, ...]:
    """What is shaded for all treatments together: the one that has faults, or when any of them has one."""
    faulty = [shades for shades in by_treatment if any(shade.kind == "fault" for shade in shades)]
    if len(faulty) <= 1:
        return max(by_treatment, key=len)
    warm_up = tuple(shade for shade in faulty[0] if shade.kind == "warm_up")
    faults = [shade for shades in faulty for shade in shades if shade.kind == "fault"]
    if len({shade.text for shade in faults}) == 1:
        return max(faulty, key=len)
    span = Shade(min(shade.start for shade in faults), max(shade.end for shade in faults), "each treatment's own faults", "fault")
    return (*warm_up, span)


def shades_of(trials: Sequence[TrialData]) -> tuple[Shade, ...]:
    """Warm-up and faults of a treatment's trials."""
    shades = []
    if trials and trials[0].measure.start_s > 0:
        shades.append(Shade(0.0, trials[0].measure.start_s, "warm-up", "warm_up"))
    for span in fault_spans(trials):
        shades.append(Shade(span.injected_s, span.healed_s, f"{span.kind} of {span.where}", "fault"))
        shades.append(Shade(span.healed_s, span.ready_s, "not ready yet", "recovering"))
    return tuple(shade for shade in shades if shade.end > shade.start)


def time_range(trials: Sequence[TrialData]) -> tuple[float, float]:
    """From the first request to the end of the longest load."""
    return 0.0, max(trial.load_end_s for trial in trials)


def trials_chart(run: RunData, summary: Summary, prefix: str) -> Chart | None:
    """Every valid trial as a dot, the trials of a block joined, the estimate beside them."""
    measured = set(measured_metrics(summary))
    claimed = tuple(dict.fromkeys(claim.metric for claim in run.record.experiment.claims))
    metrics = [metric for metric in dict.fromkeys((*claimed, *FAVOURITES)) if metric in measured][:MOST_PANELS]
    treatments = run.record.experiment.treatments
    if not metrics:
        return None
    return Chart(
        name=f"{prefix}-trials",
        title="Every trial, and what they amount to",
        caption="One dot is one valid trial; a grey line joins the trials of one block. "
        "The bar beside the dots is the median over trials with its interval; with fewer than "
        f"{TRIALS_FOR_A_VERDICT} trials it is their range.",
        x_title="",
        panels=tuple(
            Panel(
                METRICS[metric].title,
                METRICS[metric].unit,
                _dots(treatments, summary, metric),
                is_share=METRICS[metric].form is Form.SHARE,
            )
            for metric in metrics
        ),
        ticks=tuple((float(place), treatment.title) for place, treatment in enumerate(treatments)),
        x_range=(-0.5, len(treatments) - 0.3),
        side_by_side=True,
    )


def _dots(treatments: Sequence[Treatment], summary: Summary, metric: Metric) -> tuple[Line, ...]:
    by_treatment = [summary.blocks[treatment.name][metric] for treatment in treatments]
    blocks = sorted({block for values in by_treatment for block in values})
    lines = []
    for order, block in enumerate(blocks):
        offset = SPREAD * (order / max(1, len(blocks) - 1) - 0.5)
        present = [(place + offset, values[block]) for place, values in enumerate(by_treatment) if block in values]
        lines.append(
            Line(f"block {block}", NO_COLOR, tuple(x for x, _ in present), tuple(_finite_low(value) for _, value in present), form="pair")
        )
    for place, (treatment, values) in enumerate(zip(treatments, by_treatment, strict=True)):
        xs = tuple(place + SPREAD * (blocks.index(block) / max(1, len(blocks) - 1) - 0.5) for block in sorted(values))
        ys = tuple(_finite_low(values[block]) for block in sorted(values))
        lines.append(Line(treatment.title, place, xs, ys, form="points"))
        estimate = summary.by_treatment[treatment.name][metric]
        if isinstance(estimate, Estimate):
            median, low, high = (finite((number,)) for number in (estimate.value, estimate.low, estimate.high))
            lines.append(Line(f"{treatment.title}: median", place, (place + SPREAD,), median, low, high, form="estimate"))
    return tuple(lines)


def _finite_low(observation: Observation) -> float | None:
    return finite((observation.low,))[0]


def percentiles_chart(run: RunData, prefix: str) -> Chart | None:
    """Response and service time up to the last percentile that the sample supports."""
    lines = []
    for place, treatment in enumerate(run.record.experiment.treatments):
        trials = run.valid(treatment.name)
        if response := curve(trials, "response_ms"):
            lines.append(_curve_line(f"{treatment.title}: response", place, response, banded=True))
        if service := curve(trials, "service_ms"):
            lines.append(_curve_line(f"{treatment.title}: service", place, service, banded=False))
    if not lines:
        return None
    return Chart(
        name=f"{prefix}-percentiles",
        title="Response and service time by percentile",
        caption="Response time (solid, with the range of the trials) counts from the moment a request was due, service time (dotted) from "
        "its send; where they part, requests waited before they were sent. Each further nine of the percentile is one step to the right.",
        x_title="percentile of the requests of a trial",
        panels=(Panel("Time to the last byte, median over trials", "ms", tuple(lines), is_log=True),),
        ticks=tuple((_nines(per_mille), f"{per_mille / 10:g} %") for per_mille in (0, 500, 750, 900, 950, 990, 999)),
    )


def _curve_line(name: str, color: int, found: Curve, *, banded: bool) -> Line:
    xs = tuple(_nines(per_mille) for per_mille in found.per_mille)
    if banded:
        return Line(name, color, xs, finite(found.median), finite(found.low), finite(found.high))
    return Line(name, color, xs, finite(found.median), dash="dot")


def _nines(per_mille: int) -> float:
    return -math.log10((WHOLE - per_mille) / WHOLE)


def over_time_chart(run: RunData, judged: Mapping[str, Steadiness], prefix: str) -> Chart | None:
    """Answers, failures and response time of all treatments on one time axis, and where each one's steady state begins."""
    measured = [(place, treatment, run.valid(treatment.name)) for place, treatment in enumerate(run.record.experiment.treatments)]
    present = [(place, treatment, trials) for place, treatment, trials in measured if trials]
    if not present:
        return None
    tail = min(series_tail(trials) for _, _, trials in present)
    panels = (
        ("Served: answered right and in time", "share", served_share, True),
        ("Right answers", "per s", answered_per_s, True),
        ("Failed requests", "per s", failed_per_s, True),
        ("Response time of answered requests, median", "ms", response_ms(500), True),
        (f"Response time of answered requests, {label(tail)}", "ms", response_ms(tail), True),
        ("Slowest answer", "ms", slowest_ms, False),
    )
    shades = _common_shades([shades_of(trials) for _, _, trials in present])
    return Chart(
        name=f"{prefix}-over-time",
        title="Second by second, as clients saw it",
        caption="Lines are medians over trials, bands reach from the smallest to the largest trial. Answers stand at the second in which "
        "they came, everything else at the second in which the request was due. Response times are of answered requests only: a failed "
        "one is counted as failed and as not served, and has no part in them. "
        f"{steady_words(run.record.experiment, judged)}".rstrip(),
        x_title=SECONDS_TITLE,
        panels=tuple(
            Panel(
                title,
                unit,
                tuple(line_of(treatment.title, place, series(trials, per_trial), banded=banded) for place, treatment, trials in present),
                is_share=per_trial is served_share,
            )
            for title, unit, per_trial, banded in panels
        ),
        shades=shades,
        moments=steady_moments(run.record.experiment, judged),
        x_range=time_range([trial for _, _, trials in present for trial in trials]),
    )

"""The charts of what happened inside: for each treatment, cause beside effect on one time axis."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from experiments.definition import Treatment
from reports.analysis.measures import INSTRUMENT_NODES
from reports.analysis.percentiles import label
from reports.analysis.series import Series, failed_per_s, node_series, response_ms, series, series_tail, served_share, slowest_ms
from reports.loading import RunData, TrialData
from reports.page.client_charts import SECONDS_TITLE, line_of, shades_of, time_range
from reports.page.data import Chart, Line, Panel

_REPLICA = re.compile(r"-\d+$")


def inside_charts(run: RunData, prefix: str) -> tuple[Chart, ...]:
    """One chart for each treatment that has a valid trial."""
    charts = (_inside(run, treatment, prefix) for treatment in run.record.experiment.treatments)
    return tuple(chart for chart in charts if chart is not None)


def _inside(run: RunData, treatment: Treatment, prefix: str) -> Chart | None:
    trials = run.valid(treatment.name)
    if not trials:
        return None
    tail = series_tail(trials)
    deliveries, failures = node_series(trials, "upstream_requests"), node_series(trials, "upstream_failures")
    cache = {
        "hits": _only(node_series(trials, "cache_hits")),
        "misses": _only(node_series(trials, "cache_misses")),
    }
    panels = (
        Panel(
            "Served: answered right and in time",
            "share",
            (line_of("all operations", 0, series(trials, served_share)),),
            is_share=True,
        ),
        Panel("Failed requests, as clients saw them", "per s", (line_of("all operations", 0, series(trials, failed_per_s)),)),
        Panel(
            "Response time",
            "ms",
            (
                line_of(label(tail), 0, series(trials, response_ms(tail))),
                line_of("slowest answer", 1, series(trials, slowest_ms), banded=False),
            ),
        ),
        Panel("Deliveries by NGINX to each replica", "per s", _lines(deliveries)),
        Panel("Deliveries that NGINX gave up on", "per s", _lines(failures) if _any_above_zero(failures) else ()),
        Panel("Processors busy, by group of nodes", "processors", _lines(_by_group(node_series(trials, "cpu_seconds")))),
        Panel("SQL statements at each database", "per s", _lines(node_series(trials, "sql_statements"))),
        Panel("Redis", "per s", _lines({name: found for name, found in cache.items() if found is not None})),
        Panel("Enrolment queue", "messages", _lines(node_series(trials, "queue_messages"))),
        Panel("Outbox, as each replica counts it", "tasks", _lines(node_series(trials, "outbox_tasks"))),
        *_instrument_panels(trials),
    )
    return Chart(
        name=f"{prefix}-inside-{treatment.name}",
        title=f"Inside: {treatment.title}",
        caption="What clients noticed above, what the nodes did below, each the median over the valid trials of this treatment.",
        x_title=SECONDS_TITLE,
        panels=tuple(panel for panel in panels if panel.lines),
        shades=shades_of(trials),
        x_range=time_range(trials),
    )


def _instrument_panels(trials: Sequence[TrialData]) -> tuple[Panel, ...]:
    """What the lab itself took of the machine, and how the machine was; no lines for runs from before that was recorded."""
    instrument = node_series(trials, "instrument_cpu_seconds")
    nodes = node_series(trials, "cpu_seconds")
    system = [found for node, found in nodes.items() if node not in INSTRUMENT_NODES]
    links = {node: nodes[node] for node in sorted(INSTRUMENT_NODES & nodes.keys())}
    used = ({"system": _sum(system)} if system else {}) | dict(sorted(instrument.items())) | links
    machine = {
        "all programs": _only(node_series(trials, "machine_busy_seconds")),
        "stolen by the hypervisor": _only(node_series(trials, "steal_seconds")),
        "some task waits (pressure)": _only(node_series(trials, "cpu_pressure_seconds")),
    }
    load = _only(node_series(trials, "load_average"))
    return (
        Panel("Processors used: system and instrument", "processors", _lines(used) if instrument else ()),
        Panel(
            "Machine: used, stolen, waiting for a processor",
            "s per s",
            _lines({name: found for name, found in machine.items() if found is not None}),
        ),
        Panel("Machine: load average over a minute", "tasks", _lines({} if load is None else {"load average": load})),
    )


def _lines(by_node: Mapping[str, Series]) -> tuple[Line, ...]:
    return tuple(line_of(node, place, found, banded=False) for place, (node, found) in enumerate(by_node.items()))


def _only(by_node: Mapping[str, Series]) -> Series | None:
    return next(iter(by_node.values()), None)


def _any_above_zero(by_node: Mapping[str, Series]) -> bool:
    return any(value > 0 for found in by_node.values() for value in found.high if not math.isnan(value))


def _by_group(by_node: Mapping[str, Series]) -> dict[str, Series]:
    """Replicas added up: ``courses-1`` and ``courses-2`` make ``courses``; a replica that is down adds nothing."""
    groups: dict[str, list[Series]] = {}
    for node, found in by_node.items():
        groups.setdefault(_REPLICA.sub("", node), []).append(found)
    return {group: _sum(members) for group, members in groups.items()}


def _sum(members: list[Series]) -> Series:
    def added(column: list[tuple[float, ...]]) -> tuple[float, ...]:
        return tuple(
            math.nan if all(math.isnan(value) for value in values) else sum(value for value in values if not math.isnan(value))
            for values in zip(*column, strict=True)
        )

    medians = added([member.median for member in members])
    return Series(members[0].middle_s, medians, medians, medians)

"""When probes are read, and what is kept of it."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from experiments.definition import Phases
from experiments.errors import ProbeError
from experiments.probes.sampler import Instant, Reading, Sampler, instants, table
from experiments.records.schema import METRICS, SAMPLE_SCHEMA
from experiments.runner.attempt import phase_records

AT_ONCE = (Instant(0.0, exact=True), Instant(0.0, exact=True))


class Scripted:
    """Gives one answer after the other; an error is raised."""

    name = "scripted"

    def __init__(self, *answers: float | ProbeError) -> None:
        self._answers = list(answers)
        self.closed = 0

    def read(self) -> list[Reading]:
        """The next answer."""
        answer = self._answers.pop(0)
        if isinstance(answer, ProbeError):
            raise answer
        return [Reading("courses-db", "sql_statements", answer)]

    def close(self) -> None:
        """Count it."""
        self.closed += 1


def _sample(probe: Scripted) -> Sampler:
    sampler = Sampler(probe, AT_ONCE)
    sampler.start(time.monotonic())
    sampler.finish()
    return sampler


@given(warm_up_s=st.floats(0, 30), measure_s=st.floats(0.1, 30), cool_down_s=st.floats(0, 30), period_s=st.floats(0.1, 5))
def test_every_edge_of_a_phase_is_read_exactly(warm_up_s: float, measure_s: float, cool_down_s: float, period_s: float) -> None:
    """Rates over a phase are differences of readings at its edges, and nothing is read after the last."""
    phases = phase_records(Phases(warm_up_s=warm_up_s, measure_s=measure_s, cool_down_s=cool_down_s))
    times = instants(phases, period_s)
    edges = {edge for phase in phases for edge in (phase.start_s, phase.end_s)}
    assert {instant.at_s for instant in times if instant.exact} == edges
    assert [instant.at_s for instant in times] == sorted(instant.at_s for instant in times)
    assert times[-1].at_s == max(edges)


def test_between_the_edges_is_read_every_period() -> None:
    """Readings close to an edge are left to the edge."""
    times = instants(phase_records(Phases(warm_up_s=0, measure_s=2.05)), 0.5)
    assert [instant.at_s for instant in times] == [0.0, 0.5, 1.0, 1.5, 2.05]


def test_readings_are_kept_with_their_time_and_the_probe_s_own_cost() -> None:
    """Two readings, each with the processor time that the probe took."""
    sampler = _sample(Scripted(1.0, 2.0))
    kept = [(sample.reading.node, sample.reading.metric) for sample in sampler.samples()]
    assert kept == [("courses-db", "sql_statements"), ("probe-scripted", "probe_cpu_seconds")] * 2
    assert {metric for _, metric in kept} <= set(METRICS)
    assert sampler.problem() is None


def test_a_failed_reading_leaves_a_gap_and_is_counted() -> None:
    """Nothing is made up for it, and the probe is still believed."""
    sampler = _sample(Scripted(ProbeError("away"), 2.0))
    assert [sample.reading.value for sample in sampler.samples() if sample.reading.metric == "sql_statements"] == [2.0]
    record = sampler.record()
    assert (record.name, record.readings, record.failed, record.reason) == ("scripted", 1, 1, "away")
    assert len(record.failed_at_s) == 1
    assert sampler.problem() is None


def test_a_probe_that_never_reads_is_a_problem_with_its_reason() -> None:
    """A trial without the measure is no trial."""
    sampler = _sample(Scripted(ProbeError("away"), ProbeError("still away")))
    assert sampler.problem() == "the scripted probe has no reading: still away"


def test_a_probe_is_closed_once_it_is_stopped() -> None:
    """Whether it was started or not."""
    started, unstarted = Scripted(1.0, 2.0), Scripted()
    _sample(started)
    Sampler(unstarted, AT_ONCE).stop()
    assert (started.closed, unstarted.closed) == (1, 1)


def test_samples_become_rows_in_the_order_of_time() -> None:
    """The table has the columns of the run directory."""
    rows = table((*_sample(Scripted(1.0, 2.0)).samples(), *_sample(Scripted(3.0, 4.0)).samples()))
    assert rows.schema == SAMPLE_SCHEMA
    times = rows.column("at_s").to_pylist()
    assert times == sorted(times)

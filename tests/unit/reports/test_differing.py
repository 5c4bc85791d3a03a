"""In what runs on one page differ: every key that matters, with its values."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.definition import Phases, Treatment
from experiments.records.schema import RunRecord, ValidityRules
from reports.page.differing import differences
from reports.page.sections import JudgedRun
from tests.unit.reports.factory import PROVENANCE


def test_runs_of_different_machines_are_not_to_be_compared(cache: JudgedRun, failover: JudgedRun) -> None:
    """What differs is named; the same machine needs no warning, nor do the load generators of different kinds of runs."""
    here = cache.run.record
    other = failover.run.record.model_copy(update={"provenance": PROVENANCE.model_copy(update={"kernel": "6.12", "cpu_count": 8})})
    (warning,) = differences([here, other])
    assert "cpu count, kernel" in warning
    assert differences([here, failover.run.record]) == ()
    wrk = PROVENANCE.model_copy(update={"load_generator": "wrk"})
    (warning,) = differences([here, other.model_copy(update={"provenance": wrk})])
    assert "load generator" in warning


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"operating_system": "Debian GNU/Linux 13 (trixie)"}, "differ in operating system:"),
        ({"packages": {"fastapi": "0.122.0", "sqlmodel": "0.0.27"}}, "differ in packages (fastapi (0.121.0, 0.122.0)):"),
        ({"packages": {"fastapi": "0.121.0"}}, "packages (sqlmodel (0.0.27, none))"),
        ({"servers": ()}, "servers (postgresql (15.14, none), nginx (1.22.1, none))"),
        ({"git_commit": "f" * 40}, "differ in git commit:"),
        ({"git_dirty": True}, "uncommitted changes in 20261122T121000Z-failover"),
    ],
)
def test_what_differs_of_machine_and_software_is_named(
    cache: JudgedRun, failover: JudgedRun, changed: dict[str, Any], expected: str
) -> None:
    """Also between different experiments, of packages and servers with the versions."""
    other = failover.run.record.model_copy(update={"provenance": PROVENANCE.model_copy(update=changed)})
    (warning,) = differences([cache.run.record, other])
    assert expected in warning


def test_one_run_with_uncommitted_changes_says_so_itself(cache: JudgedRun) -> None:
    """A page of one run has nothing that it differs from."""
    dirty = cache.run.record.model_copy(update={"provenance": PROVENANCE.model_copy(update={"git_dirty": True})})
    assert differences([dirty]) == ()


def _asked(record: RunRecord, **changes: Any) -> RunRecord:
    return record.model_copy(update={"experiment": record.experiment.model_copy(update=changes)})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"seed": 8}, ["seed (7, 8)"]),
        ({"trials": 20}, ["trials (5, 20)"]),
        ({"phases": Phases(warm_up_s=2, measure_s=30)}, ["phases.measure_s (8.0, 30.0)"]),
        ({"cache_start": "steady"}, ["cache_start (empty, steady)"]),
        ({"claims": ()}, ["claims (The cache reduces SQL"]),
        (
            {"treatments": (Treatment(name="off", title="cache off", factors={"cache": False}), Treatment(name="fast", title="fast"))},
            ["treatments (off; on, off; fast)"],
        ),
        (
            {
                "treatments": (
                    Treatment(name="off", title="cache off", factors={"cache": False}),
                    Treatment(name="on", title="cache on", factors={"cache": True, "cache.ttl_s": 9}),
                )
            },
            ["treatments[on].factors.cache.ttl_s (none, 9)"],
        ),
    ],
)
def test_runs_of_one_experiment_name_what_was_asked_differently(cache: JudgedRun, changes: dict[str, Any], expected: list[str]) -> None:
    """The keys with their values, and no others."""
    record = cache.run.record
    (warning,) = differences([record, _asked(record, **changes)])
    assert warning.startswith("The runs of cache differ in what was asked: ")
    assert all(word in warning for word in expected)
    assert warning.count(" (") == len(expected)


def test_the_load_and_the_topology_are_part_of_what_was_asked(cache: JudgedRun) -> None:
    """Rate, mix and factors by their paths."""
    record = cache.run.record
    experiment = record.experiment
    other = _asked(
        record,
        arrivals=experiment.arrivals.model_copy(update={"rate_per_s": 500.0}),
        topology=experiment.topology.override({"courses.replicas": 3}),
    )
    (warning,) = differences([record, other])
    assert "arrivals.rate_per_s (250.0, 500.0)" in warning
    assert "topology.courses.replicas (1, 3)" in warning


def test_different_experiments_may_ask_different_things(cache: JudgedRun, failover: JudgedRun) -> None:
    """A suite is made of them; nor does a title change what is measured."""
    assert differences([cache.run.record, failover.run.record]) == ()
    assert differences([cache.run.record, _asked(cache.run.record, title="another title")]) == ()


def test_different_rules_of_validity_are_named(cache: JudgedRun, failover: JudgedRun) -> None:
    """A trial that counts in one run might not in the other."""
    strict, lax = (
        judged.run.record.model_copy(update={"rules": ValidityRules(slip_floor_ms=limit_ms)})
        for judged, limit_ms in ((cache, 2.0), (failover, 50.0))
    )
    (warning,) = differences([strict, lax])
    assert "slip_floor_ms (2.0, 50.0)" in warning
    assert "slip_floor_ms (2.0, none)" in differences([strict, failover.run.record])[0]

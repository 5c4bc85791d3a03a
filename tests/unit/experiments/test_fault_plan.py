"""Which faults a treatment may plan."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from experiments.definition import AfterAccepted, AfterFault, AnyFault, Event, Fault, FaultKind, LinkFault, check_faults, explain, targets
from infra.topology import Topology

TOPOLOGY = Topology().override({"courses.replicas": 3, "links": "on"})
LOAD_S = 20.0
_any_fault: TypeAdapter[Fault | LinkFault] = TypeAdapter(AnyFault)


def _fault(**values: object) -> Fault | LinkFault:
    return _any_fault.validate_python({"duration_s": 2, **values})


def test_a_fault_of_an_older_run_directory_is_readable() -> None:
    """The four fields that faults had first are enough."""
    fault = _any_fault.validate_json('{"kind": "crash", "node": "courses-2", "at_s": 5.2, "duration_s": 3.0}')
    assert fault == Fault(kind=FaultKind.CRASH, node="courses-2", at_s=5.2, duration_s=3.0)


@pytest.mark.parametrize(
    "fault",
    [
        _fault(kind="pause", node="worker-1", name="first", after=AfterAccepted(count=10)),
        _fault(kind="silent", link="*->cache", direction="to_server", after=AfterFault(fault="first", event=Event.PROVEN)),
    ],
)
def test_faults_survive_json(fault: Fault | LinkFault) -> None:
    """What is written into a run directory reads back as the same fault."""
    assert _any_fault.validate_json(fault.model_dump_json()) == fault


@pytest.mark.parametrize(
    ("node", "struck"),
    [("courses-2", ("courses-2",)), ("courses-*", ("courses-1", "courses-2", "courses-3")), ("worker-*", ("worker-1",))],
)
def test_a_group_is_all_its_replicas_and_not_its_database(node: str, struck: tuple[str, ...]) -> None:
    """``courses-*`` is courses-1 to courses-3."""
    assert targets(Fault(node=node, duration_s=1), TOPOLOGY) == struck


@pytest.mark.parametrize(
    ("link", "count"), [("courses-1->courses-db", 1), ("*->cache", 4), ("courses-*->courses-db", 3), ("gateway->*", 5), ("*", 19)]
)
def test_a_pattern_is_all_links_whose_names_match(link: str, count: int) -> None:
    """Links are named by their two ends."""
    assert len(targets(LinkFault.model_validate({"kind": "silent", "link": link, "duration_s": 1}), TOPOLOGY)) == count


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"kind": "crash", "node": "courses-1", "duration_s": 0}, "needs a duration_s"),
        ({"kind": "restart", "node": "courses-1"}, "is over as soon as it has happened"),
        ({"kind": "latency", "link": "*->cache"}, "latency_ms belongs to latency"),
        ({"kind": "silent", "link": "*->cache", "latency_ms": 10}, "latency_ms belongs to latency"),
        ({"kind": "latency", "link": "*->cache", "latency_ms": 1}, "can't be told from a busy machine"),
        ({"kind": "latency", "link": "*->cache", "latency_ms": 10, "jitter_ms": 9}, "half of latency_ms"),
        ({"kind": "bandwidth", "link": "*->cache"}, "bandwidth_kib_per_s belongs to bandwidth"),
        ({"kind": "reset", "link": "*->cache", "direction": "to_server"}, "has no direction"),
        ({"kind": "latency", "node": "courses-1", "latency_ms": 10}, "kind"),
        ({"kind": "explode", "node": "courses-1"}, "kind"),
    ],
)
def test_a_fault_that_contradicts_itself_is_refused(values: dict[str, object], says: str) -> None:
    """The sentence names what does not fit."""
    with pytest.raises(ValidationError) as caught:
        _fault(**values)
    assert says in explain(caught.value)


FIRST = _fault(kind="crash", node="courses-1", name="first", at_s=1)
AFTER_FIRST = AfterFault(fault="first")


@pytest.mark.parametrize(
    ("faults", "says"),
    [
        ([_fault(kind="crash", node="courses-9")], "no node 'courses-9' in its topology; there are broker, cache"),
        ([_fault(kind="crash", node="epmd")], "no node 'epmd'"),
        ([_fault(kind="silent", link="cache->*")], r"no link 'cache->\*' in its topology; there are gateway->courses-1"),
        ([_fault(kind="disk_full", node="cache")], "disk_full strikes a broker or database, and cache is a cache"),
        ([_fault(kind="flush", node="courses-db", duration_s=0)], "flush strikes a cache"),
        ([_fault(kind="rolling_restart", node="courses-db", duration_s=0)], "rolling_restart strikes a service or worker"),
        ([_fault(kind="crash", node="broker", at_s=18)], "healed at 20 s and the load ends at 20 s"),
        ([FIRST, _fault(kind="crash", node="broker", after=AFTER_FIRST, at_s=16)], "healed at 21 s and the load ends at 20 s"),
        ([FIRST, _fault(kind="pause", node="courses-1", at_s=2)], "two faults overlap on courses-1"),
        ([FIRST, _fault(kind="pause", node="courses-*", at_s=2)], "two faults overlap on courses-1"),
        ([_fault(kind="silent", link="*->cache"), _fault(kind="reset", link="courses-1->*")], "two faults overlap on courses-1->cache"),
        ([FIRST, _fault(kind="pause", node="courses-1", after=AfterAccepted(count=1))], "two faults overlap on courses-1"),
        ([FIRST, _fault(kind="pause", node="courses-1", after=AfterFault(fault="first", event=Event.INJECTED), at_s=1)], "overlap"),
        ([FIRST, _fault(kind="crash", node="broker", name="first")], "two faults are called first"),
        ([_fault(kind="crash", node="broker", after=AFTER_FIRST)], "comes after 'first', and no fault of this treatment"),
        ([_fault(kind="crash", node="broker", name="first", after=AFTER_FIRST)], "waits for itself"),
    ],
)
def test_a_plan_that_can_not_be_carried_out_is_refused(faults: list[Fault | LinkFault], says: str) -> None:
    """The sentence says which fault, and what to change."""
    with pytest.raises(ValueError, match=says):
        check_faults(faults, TOPOLOGY, LOAD_S)


@pytest.mark.parametrize(
    "faults",
    [
        [FIRST, _fault(kind="crash", node="courses-1", at_s=3)],
        [FIRST, _fault(kind="crash", node="courses-2", at_s=1)],
        [FIRST, _fault(kind="crash", node="courses-1", after=AFTER_FIRST)],
        [FIRST, _fault(kind="crash", node="broker", after=AfterAccepted(count=5))],
        [FIRST, _fault(kind="silent", link="*->courses-db", at_s=1)],
        [FIRST, _fault(kind="flush", node="cache", at_s=19, duration_s=0)],
    ],
)
def test_sequences_and_faults_together_are_accepted(faults: list[Fault | LinkFault]) -> None:
    """One after the other on one target, or at once on several."""
    check_faults(faults, TOPOLOGY, LOAD_S)


def test_link_faults_need_links() -> None:
    """Without proxies there is nothing to make slow."""
    with pytest.raises(ValueError, match=r"needs links; set links\.enabled"):
        check_faults([_fault(kind="silent", link="*->cache")], Topology(), LOAD_S)


@pytest.mark.parametrize(
    ("fault", "when"),
    [
        (_fault(kind="crash", node="broker", at_s=1.5), "at 1.5 s for 2 s"),
        (_fault(kind="flush", node="cache", at_s=1, duration_s=0), "at 1 s"),
        (_fault(kind="crash", node="broker", after=AFTER_FIRST), "0 s after first is ready for 2 s"),
        (_fault(kind="crash", node="broker", after=AfterAccepted(count=1000), at_s=1), "1 s after 1,000 accepted enrolments for 2 s"),
    ],
)
def test_a_fault_says_when_it_happens(fault: Fault | LinkFault, when: str) -> None:
    """As a table shows it."""
    assert fault.when == when

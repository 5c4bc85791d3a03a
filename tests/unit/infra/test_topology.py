"""The typed factors and how a command line changes them."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from infra.errors import FactorError
from infra.topology import RESERVED_CONNECTIONS, Topology, factors, parse_assignments


def test_the_reference_topology_is_one_of_each_with_the_cache_on() -> None:
    """Without any change the topology is 1/1/1 with one worker and the cache."""
    topology = Topology()
    assert [service.replicas for service in topology.services().values()] == [1, 1, 1]
    assert topology.worker.replicas == 1
    assert topology.cache.enabled


def test_assignments_change_exactly_what_they_name() -> None:
    """A changed factor leaves all others as they were."""
    topology = Topology().override(parse_assignments(["courses.replicas=3", "cache=off", "gateway.port=0"]))
    expected = Topology().model_dump()
    expected["courses"]["replicas"] = 3
    expected["cache"]["enabled"] = False
    expected["gateway"]["port"] = 0
    assert topology.model_dump() == expected


@pytest.mark.parametrize("word", ["off", "false", "no", "0"])
def test_a_section_with_a_switch_takes_words_for_off(word: str) -> None:
    """cache=off and its usual spellings switch the cache off."""
    assert not Topology().override({"cache": word}).cache.enabled


@pytest.mark.parametrize(
    ("assignment", "says"),
    [
        ("course.replicas=3", "did you mean courses.replicas?"),
        ("replicas=3", "there is no factor 'replicas'"),
        ("courses.replicas=0", "courses.replicas=0: Input should be greater than or equal to 1"),
        ("courses.replicas=17", "less than or equal to 16"),
        ("courses.replicas=abc", "courses.replicas=abc"),
        ("courses.replicas=2.5", "courses.replicas=2.5"),
        ("gateway.port=40000", "less than or equal to 32767"),
        ("cache=maybe", "cache.enabled=maybe"),
        ("software.implementation=mine", "software.implementation=mine: Input should be 'product' or 'tutorial'"),
        ("courses.fast_paths=fast", "courses.fast_paths=fast"),
        ("gateway.rate_limit_per_s=-1", "greater than or equal to 0"),
        ("courses=3", "there is no factor 'courses'"),
        ("=abc", "is not factor=value"),
        ("courses.replicas", "is not factor=value"),
        ("courses.replicas=", "is not factor=value"),
    ],
)
def test_a_wrong_assignment_is_named_in_one_line(assignment: str, says: str) -> None:
    """What can't be set is named with the reason, in one line."""
    with pytest.raises(FactorError) as caught:
        Topology().override(parse_assignments([assignment]))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_pools_that_exceed_the_database_are_refused() -> None:
    """Factors that don't fit each other are refused before anything is deployed, with the mend."""
    with pytest.raises(FactorError, match=r"lower courses\.replicas or courses\.pool_size, or raise database\.max_connections"):
        Topology().override({"courses.replicas": 4, "courses.pool_size": 64})


def test_a_replica_with_a_cache_has_one_connection_more() -> None:
    """It listens to its peers there; without the cache there is nothing to ask."""
    full = {"courses.replicas": 3, "courses.pool_size": 30, "database.max_connections": 90 + RESERVED_CONNECTIONS}
    assert Topology().override({**full, "cache": "off"}).courses.replicas == 3
    with pytest.raises(FactorError, match="courses would open up to 93 database connections and 90 are free"):
        Topology().override(full)


def test_a_topology_is_frozen() -> None:
    """A topology that was deployed can't change under its owner's feet."""
    with pytest.raises(ValidationError):
        Topology().courses.replicas = 2  # type: ignore[misc]  # the assignment that must fail


def test_a_topology_survives_json() -> None:
    """The record of a topology reads back as the same topology."""
    topology = Topology().override({"students.replicas": 2})
    assert Topology.model_validate_json(topology.model_dump_json()) == topology


def test_every_factor_is_documented() -> None:
    """Each factor says what it is for, of which type it is, and which values it takes."""
    for factor in factors():
        assert len(factor.description) > 15, factor.path
        assert factor.bounds or "|" in factor.type_name, factor.path
        assert ("containers only" in factor.description) == factor.path.startswith("limits."), factor.path
    known = {factor.path: factor for factor in factors()}
    assert {"courses.replicas", "cache.ttl_s", "gateway.read_timeout_ms", "gateway.rate_limit_per_s", "students.fast_paths"} <= set(known)
    assert known["software.implementation"].type_name == "product|tutorial"

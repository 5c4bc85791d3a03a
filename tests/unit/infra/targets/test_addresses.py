"""Where containers are after they were started again."""

from __future__ import annotations

from pathlib import Path

from infra.deployment import Deployment
from infra.targets.docker.addresses import relocated
from infra.topology import Topology
from tests.unit.infra.targets.registered import address_in, register

ENGINE = {"engine": "none"}


def test_two_that_have_changed_places_are_found_in_each_others_by_node_by_link_and_by_url(tmp_path: Path) -> None:
    """All at once, so that neither is taken for the other; what has not moved, or has ended, stays as it was."""
    _, outputs = register(Topology().override({"links": "on"}), tmp_path)
    before = Deployment.model_validate({**outputs, **ENGINE})
    cache, courses = before.node("cache").host, before.node("courses-1").host
    now = {
        "cache": {"inside": courses},
        "courses-1": {"inside": cache, "courses-db": "198.51.100.1"},
        "courses-db": {"courses-db": "198.51.100.2"},
        "links": {"courses-db": "198.51.100.3"},
        "students-1": {},
    }
    after = relocated(before, now)
    assert (after.node("cache").host, after.node("courses-1").host) == (courses, cache)
    assert after.credentials.cache_url is not None
    assert f"@{courses}:" in after.credentials.cache_url.get_secret_value()
    assert "@198.51.100.2:" in after.credentials.database_dsns["courses"].get_secret_value()
    (link,) = [link for link in after.links if link.name == "courses-1->courses-db"]
    assert (link.host, link.server_host) == ("198.51.100.3", "198.51.100.2")
    assert after.credentials.links_url == before.credentials.links_url
    assert after.topology == before.topology
    assert after.node("students-1").host == address_in("students-1", "inside")


def test_where_nothing_runs_nothing_has_moved(tmp_path: Path) -> None:
    """Every address is what it was."""
    _, outputs = register(Topology(), tmp_path)
    there = Deployment.model_validate({**outputs, **ENGINE})
    assert relocated(there, {}) == there

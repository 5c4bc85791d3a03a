"""Replicas that NGINX finds by name."""

from __future__ import annotations

from infra.components import nginx
from infra.targets.docker import spec
from tests.unit.infra.recording import RecordingTarget
from tests.unit.infra.test_components import REPLICAS, TUNING


def test_each_replica_is_a_socket_that_leads_to_its_name() -> None:
    """The upstreams keep what they have for addresses: zone, failure counts, backups, kept connections."""
    text, _ = nginx.render(TUNING, spec.place("gateway", "x-gateway"), 8080, 8081, REPLICAS)
    assert "resolver 127.0.0.11 valid=1s ipv6=off;" in text
    assert "listen unix:/run/spirelab/c2-8001.sock backlog=4096; set $replica c2:8001; proxy_pass $replica;" in text
    assert "server unix:/run/spirelab/c2-8001.sock max_fails=1 fail_timeout=2s max_conns=256;" in text
    assert "server unix:/run/spirelab/c2-8001.sock backup max_fails=0" in text
    assert text.index("stream {") < text.index("http {")
    assert "access_log /dev/stdout access" in text
    assert "\nuser" not in text


def test_where_addresses_are_for_good_nothing_is_looked_up() -> None:
    """And nothing is copied twice."""
    text, _ = nginx.render(TUNING, RecordingTarget().place("gateway"), 8080, 8081, REPLICAS)
    assert "server c2:8001 max_fails=1" in text
    assert not [word for word in ("\nstream {", "resolver", "unix:", "load_module") if word in text]

"""NGINX's access log as counters."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments.errors import ProbeError
from experiments.probes.nginx import NginxProbe, deliveries
from infra.targets.process.tail import FileTail

NODES = {"127.0.0.1:8101": "courses-1", "127.0.0.1:8102": "courses-2"}


def _line(upstream: str, status: str, msec: float = 1_763_812_800.25) -> bytes:
    return json.dumps({"msec": msec, "upstream_addr": upstream, "upstream_status": status}).encode()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (_line("127.0.0.1:8101", "200"), [("courses-1", False)]),
        (_line("127.0.0.1:8101", "404"), [("courses-1", False)]),
        (_line("127.0.0.1:8102, 127.0.0.1:8101", "502, 200"), [("courses-2", True), ("courses-1", False)]),
        (_line("127.0.0.1:8102", "-"), [("courses-2", True)]),
        (_line("127.0.0.1:9999", "200"), []),
        (_line("", ""), []),
        (b"half a li", []),
    ],
)
def test_every_try_of_a_request_is_a_delivery(line: bytes, expected: list[tuple[str, bool]]) -> None:
    """A try that brought no answer of the replica's own was given up; what is no replica, or no line, doesn't count."""
    assert [(one.node, one.is_given_up) for one in deliveries([line], NODES)] == expected


def _values(probe: NginxProbe) -> dict[tuple[str, str], float]:
    return {(reading.node, reading.metric): reading.value for reading in probe.read()}


def test_only_lines_since_the_probe_was_made_count_and_each_once(tmp_path: Path) -> None:
    """A line that is still being written counts when it is whole."""
    log = tmp_path / "access.log"
    whole = _line("127.0.0.1:8101", "200") + b"\n"
    log.write_bytes(whole * 5)
    probe = NginxProbe(FileTail(log), NODES)
    with log.open("ab", buffering=0) as file:
        file.write(whole + whole[:20])
        assert _values(probe)["courses-1", "upstream_requests"] == 1
        file.write(whole[20:] + _line("127.0.0.1:8102", "502") + b"\n")
    values = _values(probe)
    assert values["courses-1", "upstream_requests"] == 2
    assert values["courses-1", "upstream_failures"] == 0
    assert values["courses-2", "upstream_failures"] == 1


def test_the_moment_at_which_it_gave_up_is_told_once(tmp_path: Path) -> None:
    """The first one since the last reading, by NGINX's clock; where it gave up on nothing there is no moment."""
    log = tmp_path / "access.log"
    log.touch()
    probe = NginxProbe(FileTail(log), NODES)
    tries = "127.0.0.1:8102, 127.0.0.1:8101"
    log.write_bytes(b"".join(_line(tries, status, 1000.0 + at / 8) + b"\n" for at, status in enumerate(("200", "502, 200", "504, 200"))))
    assert _values(probe)["courses-2", "upstream_gave_up_at"] == 1000.125
    assert not any(metric == "upstream_gave_up_at" for _, metric in _values(probe))


def test_a_log_that_is_gone_can_not_be_read(tmp_path: Path) -> None:
    """The reading fails with its reason."""
    with pytest.raises(ProbeError, match=r"access log: .* can't be read"):
        NginxProbe(FileTail(tmp_path / "gone.log"), NODES).read()

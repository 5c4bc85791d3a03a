"""Counting accepted enrolments in the gateway's access log."""

from __future__ import annotations

import json
from pathlib import Path

from experiments.faults.accepted import AcceptedEnrolments
from infra.targets.process.tail import FileTail


def _line(method: str, uri: str, status: int) -> str:
    return json.dumps({"method": method, "uri": uri, "status": status}) + "\n"


def test_only_enrolments_answered_with_202_since_the_beginning_count(tmp_path: Path) -> None:
    """Earlier ones, refusals and reads don't; a line that is half written counts when it is whole."""
    log = tmp_path / "access.log"
    log.write_text(_line("POST", "/enroll", 202))
    accepted = AcceptedEnrolments(FileTail(log))
    whole = _line("POST", "/enroll", 202)
    with log.open("a") as file:
        file.write(_line("POST", "/enroll", 503) + _line("GET", "/enroll/1", 200) + whole + "no JSON\n" + whole[:10])
    assert accepted.count() == 1
    with log.open("a") as file:
        file.write(whole[10:])
    assert accepted.count() == 2


def test_a_log_that_is_not_there_has_none(tmp_path: Path) -> None:
    """NGINX may not have written it yet."""
    assert AcceptedEnrolments(FileTail(tmp_path / "access.log")).count() == 0

"""One request, found by its id in the logs of everything that it passes."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from infra.deployment import Deployment
from tests.contract.client import Client, eventually


def _lines(path: str) -> list[dict[str, Any]]:
    """The whole lines of a log that are JSON objects; the last one may be in the middle of being written."""
    found = []
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return [line for line in found if isinstance(line, dict)]


def _found(path: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The line that holds, as soon as it is there."""
    lines = eventually(lambda: [line for line in _lines(path) if holds(line)], bool)
    return lines[0]


def _member(entries: str, request_id: str, line: dict[str, Any]) -> bool:
    return any(entry["request_id"] == request_id for entry in line.get(entries, ()))


def test_a_request_id_runs_from_the_gateway_to_the_worker(client: Client, lab: Deployment) -> None:
    """The id that a client sent is in the gateway's log, in that of the replica that accepted, and in that of the worker that decided."""
    request_id = f"trace-{uuid.uuid4().hex}"
    answer = client.enroll(client.student()["id"], client.course()["id"], {"X-Request-Id": request_id})
    assert answer.headers["x-request-id"] == request_id
    outcome = client.outcome(answer.json()["id"])

    gateway = _found(lab.gateway_access_log, lambda line: line.get("request_id") == request_id)
    assert (gateway["method"], gateway["status"]) == ("POST", 202)
    accepted = _found(lab.node("enrollment-1").log_path, partial(_member, "accepted", request_id))
    assert {"enrollment_id": outcome["id"], "request_id": request_id} in accepted["accepted"]
    decided = _found(lab.node("worker-1").log_path, partial(_member, "decided", request_id))
    entry = {"enrollment_id": outcome["id"], "request_id": request_id, "outcome": "enrolled", "reason": None}
    assert entry in decided["decided"]


def test_a_request_without_an_id_gets_one_that_runs_as_far(client: Client, lab: Deployment) -> None:
    """The gateway gives an id to a request that comes without, and the worker knows it too."""
    answer = client.enroll(client.student()["id"], client.course()["id"])
    client.outcome(answer.json()["id"])
    _found(lab.node("worker-1").log_path, partial(_member, "decided", answer.headers["x-request-id"]))

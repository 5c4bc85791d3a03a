"""Whatever one client does, in any order, the deployed system answers as the model of it says."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from infra.deployment import Deployment
from tests.contract.client import Broker, Client
from tests.race.one_client import OneClient

EXAMPLES = 60
STEPS = 30
OUTCOMES = {"enrolled", "dropped", "course_full", "missing_prerequisites", "unknown_student", "unknown_course"}
TIMEOUT_S = 900
"""Also for shrinking an example that fails."""


@pytest.fixture(scope="module")
def client(lab: Deployment) -> Iterator[Client]:
    """A client of the gateway."""
    client = Client(lab.endpoints.gateway_url)
    yield client
    client.close()


@pytest.mark.timeout(TIMEOUT_S)
def test_one_client_is_answered_as_the_model_says(
    client: Client, broker: Broker, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every run has the same examples; ``--hypothesis-seed`` draws others."""
    executed: Counter[str] = Counter()
    profile = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        derandomize=request.config.getoption("--hypothesis-seed") is None,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    started_s = time.monotonic()
    machine: Any = partial(OneClient, client, broker, executed)  # a function is as good as a class here, whatever the annotation says
    run_state_machine_as_test(machine, settings=profile)
    with capsys.disabled():
        print(f"\n{dict(executed)} in {time.monotonic() - started_s:.1f} s")  # noqa: T201 - the size of the test and its time
    assert executed["examples"] - executed["given up"] >= EXAMPLES
    assert executed.keys() >= OUTCOMES

"""Every answer is one that the OpenAPI document announces, whatever a client sends: valid, invalid and in sequences."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.deployment import Deployment
from tests.measured import Measured
from tests.openapi import schemathesis_cli
from tests.openapi.conftest import SERVICES

OPERATIONS = {"courses": 12, "students": 10, "enrollment": 8}
PUBLIC_OPERATIONS = {"courses": 7, "students": 6, "enrollment": 5}
"""What clients may call, without /internal and without health and metrics."""


def _document(deployment: Deployment, service: str) -> str:
    node = deployment.node(f"{service}-1")
    return f"http://{node.host}:{node.port}/openapi.json"


def _way(deployment: Deployment) -> str:
    return "fast" if deployment.topology.courses.fast_paths else "framework"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_answers_as_its_document_says(fuzzed: Deployment, measured: Measured, tmp_path: Path, service: str) -> None:
    """Status, media type, body and headers of every answer are documented; valid requests are taken and invalid ones refused, never 500."""
    outcome = schemathesis_cli.run(f"{service} ({_way(fuzzed)})", _document(fuzzed, service), tmp_path, hooks="hooks.py")
    measured.fuzzing.append(outcome)
    assert outcome.passed, outcome.text
    assert outcome.operations_tested == OPERATIONS[service]


@pytest.mark.parametrize("fuzzed", ["on"], ids=["fast"], indirect=True)
@pytest.mark.parametrize("service", SERVICES)
def test_the_gateway_answers_as_the_service_and_adds_security_headers(
    fuzzed: Deployment, measured: Measured, tmp_path: Path, service: str
) -> None:
    """What NGINX refuses by itself is documented like the services' answers, and each answer has every security header once."""
    arguments = [
        "--url",
        fuzzed.endpoints.gateway_url,
        "--include-path-regex",
        "^/(courses|students|enroll)",
        "--phases",
        "coverage",
    ]
    outcome = schemathesis_cli.run(
        f"{service} through the gateway", _document(fuzzed, service), tmp_path, hooks="gateway_hooks.py", arguments=arguments
    )
    measured.fuzzing.append(outcome)
    assert outcome.passed, outcome.text
    assert outcome.operations_tested == PUBLIC_OPERATIONS[service]

"""A deployment that Schemathesis may fill with anything, and its counts at the end of the run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from infra import operations
from infra.deployment import Deployment
from tests.conftest import FREE_PORTS, unique_name
from tests.openapi.schemathesis_cli import Outcome

SERVICES = ("courses", "students", "enrollment")
OUTCOMES = pytest.StashKey[list[Outcome]]()


@pytest.fixture(scope="package")
def fuzzed_name() -> Iterator[str]:
    """The name of the one deployment of these tests, which is removed in the end."""
    name = unique_name()
    try:
        yield name
    finally:
        operations.down(name, volumes=True)


@pytest.fixture(scope="package", params=("on", "off"), ids=("fast", "framework"))
def fuzzed(request: pytest.FixtureRequest, fuzzed_name: str) -> Deployment:
    """The system 1/1/1, once with its fast paths and once with every request going through the framework."""
    topology = FREE_PORTS.override({f"{service}.fast_paths": request.param for service in SERVICES})
    return operations.up(fuzzed_name, topology, owner=True)


@pytest.fixture(scope="session")
def outcomes(request: pytest.FixtureRequest) -> list[Outcome]:
    """What Schemathesis did so far; shown when all tests are done."""
    return request.config.stash.setdefault(OUTCOMES, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the counts, which no test judges."""
    outcomes = config.stash.get(OUTCOMES, [])
    if not outcomes:
        return
    terminalreporter.section("Schemathesis")
    for outcome in outcomes:
        terminalreporter.write_line(_line(outcome.target, [outcome]))
    terminalreporter.write_line(_line("all", outcomes))


def _line(title: str, outcomes: Sequence[Outcome]) -> str:
    counts = {
        "operations": sum(outcome.operations_tested for outcome in outcomes),
        "test cases": sum(outcome.cases for outcome in outcomes),
        "checks": sum(outcome.checks for outcome in outcomes),
        "failures": sum(outcome.failures for outcome in outcomes),
        "dropped by the hooks": sum(outcome.dropped for outcome in outcomes),
    }
    return f"{title:30}" + "".join(f"{count:7} {name}" for name, count in counts.items())

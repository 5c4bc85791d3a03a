"""What tests of every room share."""

from __future__ import annotations

import os
import secrets
from pathlib import PurePosixPath
from typing import Any, Final

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from infra.topology import Topology
from tests.measured import Measured

settings.register_profile("spirelab", deadline=None)  # the machine is shared: nothing is judged by how long it took
settings.load_profile("spirelab")

FREE_PORTS = Topology().override({"gateway.port": 0, "broker.management_port": 0})
"""The reference topology beside any number of others on this machine."""
SHARE_A_DEPLOYMENT: Final = ("contract", "degrade", "integration/app", "integration/security", "openapi", "race")
"""Folders whose tests run in one process, one after the other, where several processes run the tests; elsewhere modules do."""
_MEASURED = pytest.StashKey[Measured]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--kills 100`` shows what three rounds only suggest."""
    parser.addoption("--kills", type=int, default=3, help="rounds in which a lab is killed while it breaks a deployment")


def pytest_configure(config: pytest.Config) -> None:
    """Begin with nothing measured."""
    config.stash[_MEASURED] = Measured()


class ByDeployment(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
    """Keeps tests together that share a deployment."""

    def _split_scope(self, nodeid: str) -> str:
        module = PurePosixPath(nodeid.partition("::")[0]).relative_to("tests")
        folder = module.parent.as_posix()
        return folder if folder in SHARE_A_DEPLOYMENT else module.as_posix()


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByDeployment:
    """Which tests go to which of several processes."""
    return ByDeployment(config, log)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand what was measured to the process that prints it, where it is another one (pytest-xdist)."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["measured"] = session.config.stash[_MEASURED].as_json()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what one of several processes has measured; one that crashed has told nothing."""
    if told := getattr(node, "workeroutput", {}).get("measured"):
        node.config.stash[_MEASURED].add(Measured.from_json(told))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print what was measured, which no test judges."""
    for title, lines in config.stash[_MEASURED].sections():
        terminalreporter.section(title)
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def measured(pytestconfig: pytest.Config) -> Measured:
    """Takes what tests measure and don't judge; printed at the end of the run."""
    return pytestconfig.stash[_MEASURED]


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    """Rounds in which a lab is killed."""
    return int(request.config.getoption("--kills"))


def unique_name() -> str:
    """A name for a deployment that no other test run has."""
    return f"test-{os.getpid()}-{secrets.token_hex(3)}"

"""What a stack's configuration may say, and what is said of the rest."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from infra.errors import InfraError
from infra.settings import REPOSITORY
from infra.stack.configuration import StackConfiguration, read
from infra.topology import Topology

STACK = REPOSITORY / "infra" / "stack"


def test_an_empty_configuration_is_the_reference_topology_as_processes() -> None:
    """`pulumi up` works with no `config set` at all."""
    assert read({}, parallel=8) == StackConfiguration("process", Topology())


def test_factors_are_set_by_their_paths() -> None:
    """The words of --set, switches included."""
    stack = read({"target": "docker", "courses.replicas": "3", "cache": "off"}, parallel=8)
    assert stack == StackConfiguration("docker", Topology().override({"courses.replicas": 3, "cache": "off"}))


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"target": "dockr"}, "target is 'dockr'; pulumi config set target process or docker"),
        (
            {"courses.replica": "2"},
            "courses.replica, which is no factor; pulumi config rm courses.replica && pulumi config set courses.replicas 2",
        ),
        ({"colour": "red"}, "colour, which is no factor; pulumi config rm colour"),
        (
            {"courses.replicas": "99"},
            "courses.replicas=99: Input should be less than or equal to 16; change it with `pulumi config set KEY VALUE`",
        ),
        ({"enrollment.replicas": "5", "worker.replicas": "3"}, "pulumi up --parallel 32"),
    ],
)
def test_a_mistake_is_one_sentence_with_the_key_and_the_mend(values: dict[str, str], says: str) -> None:
    """The command that puts it right, where there is one."""
    with pytest.raises(InfraError, match=re.escape(says)) as raised:
        read(values, parallel=8)
    assert "\n" not in str(raised.value)


def test_the_program_is_short() -> None:
    """A Pulumi program that is longer hides what it declares."""
    assert len((STACK / "__main__.py").read_text(encoding="utf-8").splitlines()) <= 40


@pytest.mark.parametrize("name", ["pulumi-language-python", "pulumi-resource-pulumi-python"])
def test_the_plugins_of_the_project_can_be_executed(name: str) -> None:
    """Pulumi finds them by the folder in Pulumi.yaml and their names."""
    path: Path = STACK / "plugins" / name
    assert os.access(path, os.X_OK)
    assert "path: plugins" in (STACK / "Pulumi.yaml").read_text(encoding="utf-8")

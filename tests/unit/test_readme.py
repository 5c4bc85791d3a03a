"""The README is true: its sessions exist, its arguments parse, its example is an experiment."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from infra.stack.configuration import read
from infra.topology import Topology, parse_assignments

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


_WITH_BOTH = """
LINKED = {"links.enabled": True}
EXPERIMENT = EXPERIMENT.model_validate(
    {
        **EXPERIMENT.model_dump(),
        "topology": EXPERIMENT.topology.override(LINKED).model_dump(),
        "treatments": (*EXPERIMENT.treatments, BROKEN),
        "arrivals": ARRIVALS.model_dump(),
        "hot_courses": 5,
    }
)
"""
"""The treatment of the second example beside those of the first."""


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


def _nox_lines() -> list[list[str]]:
    """Arguments of every line that calls nox, without its comment."""
    lines = [shlex.split(line, comments=True) for block in _blocks("console") for line in block.splitlines()]
    return [line[1:] for line in lines if line and line[0] == "nox"]


def _after_dashes(line: list[str]) -> list[str]:
    return line[line.index("--") + 1 :] if "--" in line else []


def _sessions() -> set[str]:
    tree = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    decorated = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.decorator_list]
    return {node.name for node in decorated if "nox.session" in ast.unparse(node.decorator_list[0])}


def test_every_session_that_the_readme_calls_exists() -> None:
    """A command of the README is a command of the project."""
    called = {line[line.index("-s") + 1] for line in _nox_lines() if "-s" in line}
    assert {"bench", "up", "status", "down", "doctor", "report"} <= called <= _sessions()


def test_the_factors_that_the_readme_sets_exist() -> None:
    """Each --set of the README changes a factor."""
    settings = [line[index + 1] for line in _nox_lines() for index, word in enumerate(line) if word == "--set"]
    assert len(settings) >= 4
    assert Topology().override(parse_assignments(settings)) != Topology()


def test_the_stack_that_the_readme_configures_is_one() -> None:
    """Each `pulumi config set` of the README sets something that infra/stack reads."""
    settings = dict(re.findall(r"^pulumi config set (\S+) (\S+)", README, flags=re.MULTILINE))
    assert read(settings, parallel=8).topology == Topology().override({"courses.replicas": 3})


@pytest.mark.parametrize("line", [line for line in _nox_lines() if "bench" in line and "--file" not in line], ids=" ".join)
def test_the_bench_lines_are_understood(line: list[str]) -> None:
    """Each bench line of the README can be planned, which starts nothing."""
    arguments = _after_dashes(line)
    planned = arguments if {"--plan", "--list"} & set(arguments) else [*arguments, "--plan"]
    done = subprocess.run([sys.executable, "-m", "experiments", "bench", *planned], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_the_example_is_an_experiment_that_can_be_planned(tmp_path: Path) -> None:
    """A reader who copies the example has an experiment."""
    example, faults, load = _blocks("python")
    file = tmp_path / "my_experiment.py"
    file.write_text(example + faults + load + _WITH_BOTH, encoding="utf-8")
    command = [sys.executable, "-m", "experiments", "bench", "--plan", "--file", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\((?!https?:)([^)#]+)\)", README))))
def test_every_file_that_the_readme_links_is_there(target: str) -> None:
    """No link of the README is dead."""
    assert (ROOT / target).exists()

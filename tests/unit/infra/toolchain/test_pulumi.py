"""Where the Pulumi CLI is looked for, and in which ways it is got."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from infra.errors import InfraError
from infra.toolchain import pulumi
from infra.toolchain.machine import Machine
from infra.toolchain.programs import Tool
from infra.toolchain.pulumi import GO_VERSION, ensure, find
from infra.toolchain.runner import Finished
from tests.unit.infra.toolchain.fakes import FakeRunner, machine, put

SDK_VERSION = importlib.metadata.version("pulumi")


def runner(version: str, when: str = "nothing", effect: Callable[[Sequence[str]], object] = list) -> FakeRunner:
    """Every CLI says that it is of this version; a command with ``when`` in it has this effect."""
    return FakeRunner({"pulumi version": Finished(0, f"v{version}\n")}, {when: effect})


def ensure_on(here: Machine, run: FakeRunner, notes: list[str], *, online: bool) -> Tool:
    """Ensure the CLI on a machine where time stands still."""
    return ensure(here, run, notes.append, lambda: 0.0, lambda _url: online)


def test_the_cli_on_the_path_is_taken(tmp_path: Path) -> None:
    """It costs one question and no word."""
    path = put(tmp_path / "usr/bin/pulumi")
    run, notes = runner("3.250.1"), list[str]()
    assert ensure_on(machine(tmp_path), run, notes, online=True) == Tool("Pulumi", "3.250.1", path, {})
    assert (run.commands, notes) == ([f"{path} version"], [])


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Finished(0, "v3.99.0\n"), "is 3.99.0, and the lab needs 3.230 or newer"),
        (Finished(1, "no such command\n"), "does not run (no such command)"),
        (Finished(0, "hello\n"), "does not run (hello)"),
    ],
)
def test_a_cli_that_will_not_do_says_why(tmp_path: Path, answer: Finished, says: str) -> None:
    """Too old, or something else by the same name."""
    put(tmp_path / "usr/bin/pulumi")
    assert says in str(find(machine(tmp_path), FakeRunner({"pulumi version": answer})))


def test_an_earlier_one_of_ours_is_found_where_the_path_has_none_that_will_do(tmp_path: Path) -> None:
    """It is got once a version."""
    here = machine(tmp_path)
    put(tmp_path / "usr/bin/pulumi")
    ours = put(here.cache / f"pulumi-{GO_VERSION}-built/bin/pulumi")
    answers = {"usr/bin/pulumi version": Finished(0, "v3.1.0\n"), f"{ours} version": Finished(0, f"v{GO_VERSION}\n")}
    assert find(here, FakeRunner(answers)) == Tool("Pulumi", GO_VERSION, ours, {})


def test_the_official_installer_comes_first(tmp_path: Path) -> None:
    """It puts the version of the SDK into a folder of the user's."""
    here = machine(tmp_path)
    put(tmp_path / "usr/bin/go")
    notes: list[str] = []
    run = runner(SDK_VERSION, "PulumiCommand", lambda words: put(Path(words[-2]) / "bin/pulumi"))
    got = ensure_on(here, run, notes, online=True)
    assert (got.version, got.path) == (SDK_VERSION, here.cache / f"pulumi-{SDK_VERSION}/bin/pulumi")
    assert notes == [
        f"installing the Pulumi CLI into {here.cache / f'pulumi-{SDK_VERSION}'} with its official installer",
        f"got the Pulumi CLI {SDK_VERSION} in 0 s",
    ]
    assert not any("go build" in command for command in run.commands)


def test_it_is_built_where_the_installer_is_out_of_reach(tmp_path: Path) -> None:
    """One line says so; the module has the command as its tool, and the version is set, which the Automation API asks for."""
    here = machine(tmp_path)
    put(tmp_path / "usr/local/go/bin/go")
    modules: list[str] = []

    def build(words: Sequence[str]) -> None:
        binary = Path(words[words.index("-o") + 1])
        modules.append((binary.parent.parent / "go.mod").read_text(encoding="utf-8"))
        put(binary)

    notes: list[str] = []
    run = runner(GO_VERSION, "go build", build)
    got = ensure_on(here, run, notes, online=False)
    assert got.path == here.cache / f"pulumi-{GO_VERSION}-built/bin/pulumi"
    assert notes[0] == f"the Pulumi CLI: its official installer can't be reached ({pulumi.INSTALLER})"
    assert notes[1].startswith(f"building the Pulumi CLI {GO_VERSION} from its Go modules")
    assert "tool github.com/pulumi/pulumi/pkg/v3/cmd/pulumi\n" in modules[0]
    assert any(f"common/version.Version={GO_VERSION}" in command for command in run.commands)
    assert list(here.cache.glob("*.unfinished")) == []


def test_a_failed_installer_is_followed_by_the_build(tmp_path: Path) -> None:
    """What it said is kept for the error, if the build fails too; nothing unfinished stays."""
    here = machine(tmp_path)
    put(tmp_path / "usr/bin/go")
    run = FakeRunner({"PulumiCommand": Finished(1, "curl: (22) 404\n"), "go build": Finished(1, "403 Forbidden\n")})
    with pytest.raises(InfraError, match=r"no Pulumi CLI; .*installer failed: curl: \(22\) 404; building .* failed: 403 Forbidden; get it"):
        ensure_on(here, run, [], online=True)
    assert [path.name for path in here.cache.iterdir()] == ["pulumi.lock"]


def test_without_installer_and_go_the_error_says_what_to_do(tmp_path: Path) -> None:
    """The command for elsewhere, and the engine that needs no CLI."""
    with pytest.raises(
        InfraError,
        match=r"can't be reached .*; and there is no Go toolchain .*curl -fsSL https://get\.pulumi\.com \| sh.*--engine embedded",
    ):
        ensure_on(machine(tmp_path), FakeRunner(), [], online=False)


def test_nobody_answers_where_nobody_listens() -> None:
    """The question whether the installer can be reached ends by itself."""
    assert not pulumi.reachable("http://127.0.0.1:1/")

"""Finds the Pulumi CLI, or gets it into a folder of this user's: by its official installer, else built from its Go modules."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import sys
import tempfile
import urllib.request
from collections.abc import Callable
from pathlib import Path

from infra.errors import InfraError
from infra.toolchain.installing import alone
from infra.toolchain.machine import Machine, executable
from infra.toolchain.programs import Tool
from infra.toolchain.progress import Progress
from infra.toolchain.runner import Runner
from infra.toolchain.trees import PREFIX, SYSTEM

NAME = "Pulumi"
OLDEST = (3, 230)
"""The oldest that it was tried with."""
GO_VERSION = "3.230.0"
"""What is built where the official installer is out of reach; the command's package exports no newer one that builds from outside."""
INSTALLER = "https://get.pulumi.com/install.sh"
REMEDY = f"curl -fsSL {INSTALLER.removesuffix('/install.sh')} | sh (or let `--engine pulumi` get it: in the same way, else with Go)"
QUIET = {"PULUMI_SKIP_UPDATE_CHECK": "true"}
GO_FOLDER = Path("usr/local/go/bin")
"""Where Go's own installation is, which not every PATH has."""
_OFFICIALLY = """
import sys
from pulumi.automation import PulumiCommand
from semver import VersionInfo
PulumiCommand.install(root=sys.argv[1], version=VersionInfo.parse(sys.argv[2]))
"""
_COMMAND = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
_GO_MOD = f"""module spirelab/pulumi

go 1.25

tool {_COMMAND}

require (
	github.com/pulumi/pulumi/pkg/v3 v{GO_VERSION}
	github.com/pulumi/pulumi/sdk/v3 v{GO_VERSION}
)
"""
_VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
_REACH_TIMEOUT_S = 5.0
_TOLD_LINES = 3


def reachable(url: str) -> bool:
    """Whether a server answers there within moments."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=_REACH_TIMEOUT_S):  # noqa: S310 - a constant
            return True
    except OSError:
        return False


def find(machine: Machine, run: Runner) -> Tool | str:
    """The CLI from PATH, else from the folder that an earlier run got it into; else why there is none."""
    reasons = []
    on_path = executable("pulumi", machine.search_path)
    for path in (*([on_path] if on_path else []), _official(machine) / "bin/pulumi", _built(machine) / "bin/pulumi"):
        if not path.exists():
            continue
        answer = run((path, "version"), environment=QUIET)
        told = re.match(r"v?(\d+\.\d+\.\d+)\s", answer.output)
        if not (answer.succeeded and told):
            reasons.append(f"the Pulumi CLI at {path} does not run ({answer.output.strip() or f'exit status {answer.code}'})")
        elif tuple(map(int, told[1].split("."))) < OLDEST:
            reasons.append(f"the Pulumi CLI at {path} is {told[1]}, and the lab needs {'.'.join(map(str, OLDEST))} or newer")
        else:
            return Tool(NAME, told[1], path, {})
    return reasons[0] if reasons else "there is no Pulumi CLI"


def ensure(
    machine: Machine, run: Runner, note: Callable[[str], None], clock: Callable[[], float], reach: Callable[[str], bool] = reachable
) -> Tool:
    """The CLI, got first where there is none; ``note`` hears what is done and how long it took.

    Raises:
        InfraError: it can't be had here; with the command that gets it elsewhere.
    """
    found = find(machine, run)
    if isinstance(found, Tool):
        return found
    with alone(machine.cache / "pulumi.lock", note):
        if isinstance(again := find(machine, run), Tool):  # another may have got it while we waited
            return again
        progress = Progress(note, clock)
        problems = [found, _install(machine, run, progress, reach)]
        if problems[-1]:
            problems.append(_build(machine, run, progress))
        got = find(machine, run)
        if isinstance(got, Tool):
            progress.say(f"got the Pulumi CLI {got.version} in {progress.elapsed_s:.0f} s")
            return got
    raise InfraError(f"{'; '.join(filter(None, problems))}; get it by hand ({REMEDY}), or use --engine embedded, which needs none")


def origin(cli: Tool, machine: Machine) -> str:
    """Where the CLI comes from, as a person calls it."""
    return PREFIX if cli.path.is_relative_to(machine.cache) else SYSTEM


def _official(machine: Machine) -> Path:
    return machine.cache / f"pulumi-{importlib.metadata.version('pulumi')}"


def _built(machine: Machine) -> Path:
    return machine.cache / f"pulumi-{GO_VERSION}-built"


def _install(machine: Machine, run: Runner, progress: Progress, reach: Callable[[str], bool]) -> str:
    """Let the official installer do it; why it could not."""
    if not reach(INSTALLER):
        problem = f"its official installer can't be reached ({INSTALLER})"
        progress.say(f"the Pulumi CLI: {problem}")
        return problem
    folder = _official(machine)
    progress.say(f"installing the Pulumi CLI into {folder} with its official installer")
    done = run((sys.executable, "-c", _OFFICIALLY, folder, importlib.metadata.version("pulumi")), environment=QUIET)
    return "" if done.succeeded else f"its official installer failed: {_end_of(done.output)}"


def _build(machine: Machine, run: Runner, progress: Progress) -> str:
    """Build it from Go modules; why it could not be."""
    go = executable("go", (*machine.search_path, machine.root / GO_FOLDER))
    if go is None:
        return "and there is no Go toolchain to build it with"
    folder = _built(machine)
    progress.say(f"building the Pulumi CLI {GO_VERSION} from its Go modules into {folder}: a few minutes, once")
    unfinished = Path(tempfile.mkdtemp(prefix=folder.name, suffix=".unfinished", dir=machine.cache))
    try:
        (unfinished / "go.mod").write_text(_GO_MOD, encoding="utf-8")
        flags = f"-s -w -X {_VERSION_VARIABLE}={GO_VERSION}"
        command = (go, "build", "-mod=mod", "-trimpath", "-ldflags", flags, "-o", unfinished / "bin/pulumi", _COMMAND)
        done = run(command, folder=unfinished, environment={"CGO_ENABLED": "0", "GOWORK": "off"}, on_line=progress.hear)
        if not done.succeeded:
            return f"building it from its Go modules failed: {_end_of(done.output)}"
        shutil.rmtree(folder, ignore_errors=True)
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return ""


def _end_of(output: str) -> str:
    return " / ".join([line.strip() for line in output.splitlines() if line.strip()][-_TOLD_LINES:])

"""Every command of the project. `nox -l` lists them; plain `nox` checks the code in about two minutes, with no server."""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "types", "imports", "unit"]

ROOT = Path(__file__).parent
LOCK = ROOT / "requirements.lock"
IMAGE_GROUPS = ("app", "load")
"""Dependency groups that are an image's, with a lock file each."""
ENVIRONMENT = ROOT / ".nox" / "lab"
TEST_PROCESSES = "2"
"""One process of tests waits half of its time: for servers that start, for faults, for what heals."""
TEARDOWN_TIMEOUT_S = 90.0
"""Time that a session's command gets after Ctrl-C to stop what it started; nox's own default is 0.3 s."""


def lab_python(session: nox.Session) -> str:
    """The interpreter of the one environment that all sessions share, made anew when the lock file or the Python changes."""
    python = ENVIRONMENT / "bin" / "python"
    stamp = ENVIRONMENT / "made-from"
    wanted = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return str(python)
    session.log(f"installing the packages of {LOCK.name} into {ENVIRONMENT.relative_to(ROOT)}: one to three minutes, once")
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    session.run(sys.executable, "-m", "venv", str(ENVIRONMENT), silent=True)
    if uv := shutil.which("uv", path=str(Path(sys.executable).parent)):
        session.run(uv, "pip", "install", "--python", str(python), "--require-hashes", "--compile-bytecode", "-r", str(LOCK))
    else:
        session.run(str(python), "-m", "pip", "install", "--require-hashes", "-r", str(LOCK))
    stamp.write_text(wanted, encoding="utf-8")
    return str(python)


def run(session: nox.Session, *arguments: str) -> None:
    """Run a Python module of the project or of its tools; Ctrl-C leaves it the time to clean up."""
    session.run(lab_python(session), *arguments, interrupt_timeout=TEARDOWN_TIMEOUT_S, terminate_timeout=TEARDOWN_TIMEOUT_S)


@nox.session
def lint(session: nox.Session) -> None:
    """Style and formatting (ruff)."""
    run(session, "-m", "ruff", "check", *session.posargs)
    run(session, "-m", "ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Types of everything, tests and this file too (mypy --strict)."""
    run(session, "-m", "mypy", *session.posargs)


@nox.session
def imports(session: nox.Session) -> None:
    """Dependencies between the rooms point one way (import-linter)."""
    run(session, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", *session.posargs)


@nox.session
def unit(session: nox.Session) -> None:
    """Tests that need no server."""
    run(session, "-m", "pytest", "tests/unit", *session.posargs)


@nox.session(default=False)
def contract(session: nox.Session) -> None:
    """The services' HTTP contract and rules, and their OpenAPI documents by Schemathesis, against real servers."""
    run(session, "-m", "pytest", "tests/contract", "tests/openapi", *session.posargs)


@nox.session(default=False)
def race(session: nox.Session) -> None:
    """Registration day: 2,000 students race for the seats of a few courses, and the rules are checked afterwards."""
    run(session, "-m", "pytest", "tests/race", *session.posargs)


@nox.session(default=False)
def degrade(session: nox.Session) -> None:
    """What clients notice while a part of the system is away, hangs, restarts or has too much to do."""
    run(session, "-m", "pytest", "tests/degrade", *session.posargs)


@nox.session(default=False)
def integration(session: nox.Session) -> None:
    """Deploying, scaling and tearing down for real; the load generator."""
    run(session, "-m", "pytest", "tests/integration", *session.posargs)


@nox.session(default=False)
def end_to_end(session: nox.Session) -> None:
    """Tiny experiments from the command line through to the page, and what is left after Ctrl-C and kill -9."""
    run(session, "-m", "pytest", "tests/end_to_end", *session.posargs)


@nox.session(default=False)
def mutants(session: nox.Session) -> None:
    """Planted bugs: whether the invariants find each, and none in the product: -- NAME... --runs 3 --clean 20 --write FILE."""
    session.env["SPIRELAB_STOP_WITH_PARENT"] = "1"  # a nox that is killed can't stop it
    run(session, "-m", "tests.mutants", *session.posargs)


@nox.session(default=False)
def simulations(session: nox.Session) -> None:
    """How often intervals and verdicts are right on data with known answers: -- NAME... --experiments 2000 (see -- --list)."""
    run(session, "-m", "tests.simulations", *session.posargs)


@nox.session(default=False)
def tests(session: nox.Session) -> None:
    """All tests: unit, contract, openapi, race, degrade, integration, end_to_end; containers and pulumi_docker where there is an engine."""
    in_order = "--no-loadscope-reorder"  # the long ones come first, and the unit tests last, which fill the gaps
    run(session, "-m", "pytest", "-n", TEST_PROCESSES, in_order, *session.posargs)


@nox.session(default=False)
def up(session: nox.Session) -> None:
    """Bring the system up, or change the one that is up: -- --set courses.replicas=3 --set cache=off."""
    run(session, "-m", "infra", "up", *session.posargs)


@nox.session(default=False)
def status(session: nox.Session) -> None:
    """Show each node: address, pid, health, restarts, memory."""
    run(session, "-m", "infra", "status", *session.posargs)


@nox.session(default=False)
def down(session: nox.Session) -> None:
    """Stop the system and keep its data; -- --volumes forgets the data too."""
    run(session, "-m", "infra", "down", *session.posargs)


@nox.session(default=False)
def doctor(session: nox.Session) -> None:
    """What this machine has of what the lab needs, and the command that gets the rest."""
    run(session, "-m", "infra", "doctor", *session.posargs)


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Run experiments and report them: the quick suite, or -- NAME... (see -- --list and -- --plan)."""
    run_list = Path(session.create_tmp()) / "runs.txt"
    run_list.unlink(missing_ok=True)
    try:
        session.env["SPIRELAB_STOP_WITH_PARENT"] = "1"  # a nox that is killed can't stop its bench
        run(session, "-m", "experiments", "bench", "--write-run-list", str(run_list), *session.posargs)
    finally:
        build_report(session, run_list)


@nox.session(default=False)
def calibrate(session: nox.Session) -> None:
    """How far comparisons on this machine can be trusted: equal treatments, and slowdowns of known size. Twenty minutes."""
    run_list = Path(session.create_tmp()) / "runs.txt"
    run_list.unlink(missing_ok=True)
    try:
        session.env["SPIRELAB_STOP_WITH_PARENT"] = "1"
        run(session, "-m", "experiments", "calibrate", "--write-run-list", str(run_list), *session.posargs)
    finally:
        for path in finished_runs(run_list):
            run(session, "-m", "reports", "calibrate", path)


def build_report(session: nox.Session, run_list: Path) -> None:
    """Report the runs that a bench wrote; none where it only listed or planned."""
    if runs := finished_runs(run_list):
        run(session, "-m", "reports", "build", *runs)


def finished_runs(run_list: Path) -> list[str]:
    """The run directories that a bench wrote down; none where it only listed or planned."""
    return run_list.read_text(encoding="utf-8").splitlines() if run_list.is_file() else []


@nox.session(default=False)
def report(session: nox.Session) -> None:
    """Report finished runs anew, together on one page: -- runs/RUN..."""
    run(session, "-m", "reports", "build", *session.posargs)


@nox.session(default=False)
def verify(session: nox.Session) -> None:
    """Check that runs are as they were measured and their reports what they give: -- runs/RUN..."""
    run(session, "-m", "reports", "verify", *session.posargs)


@nox.session(default=False)
def lock(session: nox.Session) -> None:
    """Resolve the dependencies of pyproject.toml anew into the lock file, and from it those of the images (needs uv beside nox)."""
    command = ("uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes", "--no-emit-index-url", "--no-header")
    groups = [argument for group in (*IMAGE_GROUPS, "dev") for argument in ("--group", group)]
    session.run(*command, *groups, *session.posargs, "pyproject.toml", "-o", LOCK.name, external=True)
    for group in IMAGE_GROUPS:
        session.run(*command, "--group", group, "--constraint", LOCK.name, "-o", f"infra/images/{group}.lock", external=True)


@nox.session(default=False)
def preview(session: nox.Session) -> None:
    """What `up` with the same options would change; does nothing: -- --set courses.replicas=3."""
    run(session, "-m", "infra", "preview", *session.posargs)


@nox.session(default=False)
def refresh(session: nox.Session) -> None:
    """What was changed or went away behind the lab's back; the next `up` mends it."""
    run(session, "-m", "infra", "refresh", *session.posargs)


@nox.session(default=False)
def images(session: nox.Session) -> None:
    """Build the docker target's images whose inputs have changed, on debian:trixie-slim or what stands for it where it can't be pulled."""
    run(session, "-m", "infra.images", *session.posargs)


@nox.session(default=False)
def containers(session: nox.Session) -> None:
    """Images, services, the whole system and every kind of fault in containers; skips where no Docker engine answers."""
    run(session, "-m", "pytest", "tests/containers", *session.posargs)


@nox.session(default=False)
def heal(session: nox.Session) -> None:
    """Heal what a bench that was killed has left broken on purpose; harmless where there is nothing."""
    run(session, "-m", "experiments", "heal", *session.posargs)


@nox.session(default=False)
def shrink(session: nox.Session) -> None:
    """Look for the fewest faults that still break the rule that a trial of a run broke: -- runs/RUN."""
    session.env["SPIRELAB_STOP_WITH_PARENT"] = "1"
    run(session, "-m", "experiments", "shrink", *session.posargs)


@nox.session(default=False)
def pulumi_docker(session: nox.Session) -> None:
    """A whole life of containers under the real engine, where a Docker daemon, the Pulumi CLI and its plugin for Docker are."""
    run(session, "-m", "pytest", "tests/pulumi_docker", *session.posargs)

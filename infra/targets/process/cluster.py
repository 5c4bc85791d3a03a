"""PostgreSQL's first start: an initialised cluster is copied from a template, then told its roles and database."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from filelock import FileLock

from infra.errors import NodeError
from infra.targets.process import ipc
from infra.targets.process.software import Launch

_INITDB_TIMEOUT_S = 120.0
_ACCESS = "host all all 127.0.0.1/32 scram-sha-256\n"


def create(data: Path, templates: Path, launch: Launch, first_start: str) -> None:
    """Fill ``data`` with a new cluster that has carried out ``first_start``; does nothing where it is there.

    No superuser can log in to it: ``first_start`` runs in single-user mode, before it listens anywhere.

    Raises:
        NodeError: PostgreSQL refused.
    """
    if (data / "PG_VERSION").exists():
        return
    template = _template(templates, launch)
    half_made = data.with_name(f".{data.name}.half-made")
    ipc.forget_dead_server(half_made)
    shutil.rmtree(half_made, ignore_errors=True)
    copy = ["/bin/cp", "--archive", "--reflink=auto", str(template), half_made.name]
    subprocess.run(copy, check=True, cwd=half_made.parent)  # from there it is found as one of the deployment's processes
    _single_user(half_made, launch, "postgres", first_start)
    shutil.rmtree(data, ignore_errors=True)
    half_made.rename(data)


def _template(templates: Path, launch: Launch) -> Path:
    folder = templates / f"postgresql-{launch.version}"
    with FileLock(templates / "lock"):
        if not folder.exists():
            half_made = templates / f".{folder.name}.half-made"
            ipc.forget_dead_server(half_made)
            shutil.rmtree(half_made, ignore_errors=True)
            half_made.mkdir(mode=0o700)
            if launch.user:
                shutil.chown(half_made, launch.user, launch.user)
            initdb = str(Path(launch.argv[0]).with_name("initdb"))
            options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"]
            _run([initdb, "-D", str(half_made), *options], half_made, launch)
            (half_made / "pg_hba.conf").write_text(_ACCESS)
            _single_user(half_made, launch, "template1", "CREATE EXTENSION pg_stat_statements")
            half_made.rename(folder)
    return folder


def _single_user(data: Path, launch: Launch, database: str, statements: str) -> None:
    options = ["-c", "exit_on_error=on", "-c", "log_statement=none", "-c", "log_min_error_statement=panic", "-c", "timezone=GMT"]
    options += ["-c", "log_timezone=GMT", "-c", "password_encryption=scram-sha-256"]
    options += ["-c", "dynamic_shared_memory_type=mmap"]  # in its data folder: in /dev/shm it would outlive a SIGKILL
    command = [launch.argv[0], "--single", "-D", str(data), *options, database]
    _run(command, data, launch, f"{statements}\n")


def _run(command: list[str], folder: Path, launch: Launch, statements: str = "") -> None:
    try:
        done = subprocess.run(
            command,
            input=statements,
            cwd=folder,
            env={**launch.environment, "HOME": str(folder)},
            user=launch.user,
            group=launch.user,
            extra_groups=[] if launch.user else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_INITDB_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        raise NodeError(f"{Path(command[0]).name} took more than {_INITDB_TIMEOUT_S:.0f} s in {folder}") from None
    if done.returncode != 0:
        raise NodeError(f"{Path(command[0]).name} failed in {folder}:\n{done.stdout.strip()}")

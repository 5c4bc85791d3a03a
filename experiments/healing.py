"""Heals what a lab that was killed has left broken: everything in the journal of a deployment."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from experiments.errors import ExperimentError, FaultError
from experiments.faults.interfaces import Disturbance
from experiments.faults.journal import FILE_NAME, Entry, FileJournal
from experiments.faults.making import disturbance
from infra import operations
from infra.errors import InfraError, NotDeployedError
from infra.home import StateRoot
from infra.settings import Settings as InfraSettings

ATTEMPTS = 2
"""A start can lose a race against the supervisor still noticing the death."""


def journal_of(name: str) -> FileJournal:
    """The journal of the deployment ``name``, in its folder."""
    return FileJournal(StateRoot(InfraSettings().state_dir).home(name).path / FILE_NAME)


def heal(name: str, note: Callable[[str], None]) -> list[str]:
    """Heal everything in the deployment's journal, then see that all is well; a line on each fault.

    All is healed before anything has to be well, for one target may need another. What can't be healed stays in the journal.

    Raises:
        FaultError: something could not be healed, or whoever injected it is still at work.
    """
    journal = journal_of(name)
    entries = journal.entries()
    if owned := [entry for entry in entries.values() if entry.has_living_owner]:
        raise FaultError(f"the faults of {name!r} belong to process {owned[0].pid}, which is running and heals them itself; end that first")
    if not entries:
        journal.forget()
        return []
    done, problems = [], []
    for entry in entries.values():
        note(f"healing the {entry.fault.title}")
        with contextlib.suppress(ExperimentError, InfraError):  # tried again below
            _disturbance(name, entry).heal()
    for key, entry in entries.items():
        try:
            done.append(f"{name}: the {entry.fault.title} is healed; {_heal(name, entry)}")
        except NotDeployedError:
            done.append(f"{name}: the {entry.fault.title} is gone with the deployment, which is not up")
        except (ExperimentError, InfraError) as error:
            problems.append(f"the {entry.fault.title} is not healed: {error}")
            continue
        journal.remove(key)
    if problems:
        raise FaultError(f"{name}: {'; '.join(problems)}; `nox -s down -- --volumes` removes the deployment")
    journal.forget()
    return done


def heal_all(name: str | None, note: Callable[[str], None]) -> tuple[list[str], list[str]]:
    """Heal the deployment ``name``, or all for None; what was done, and what could not be."""
    done: list[str] = []
    problems: list[str] = []
    for one in operations.names() if name is None else [name]:
        try:
            done += heal(one, note)
        except (ExperimentError, InfraError) as error:
            problems.append(str(error))
    return done, problems


def _disturbance(name: str, entry: Entry) -> Disturbance:
    return disturbance(entry.fault, entry.targets, operations.read(name), operations.control(name))


def _heal(name: str, entry: Entry) -> str:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            found = _disturbance(name, entry)
            found.heal()
            return found.health()
        except NotDeployedError:
            raise
        except (ExperimentError, InfraError):
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("the last attempt returns or raises")

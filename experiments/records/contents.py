"""What lies in a run directory: the files of the run, and what is none of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from experiments.errors import RecordError
from experiments.records.files import (
    MEASUREMENTS_FILE,
    RUN_FILE,
    SHRUNK_SUFFIX,
    TRIAL_FILES,
    TRIALS_FOLDER,
    TRIES_FOLDER,
    CapacityRun,
    Run,
)
from experiments.records.manifest import MANIFEST_FILE


@dataclass(frozen=True)
class Contents:
    """Paths relative to the run directory, parts separated by /, sorted."""

    files: tuple[str, ...]
    """Those of the run that are there; without the manifest, which has no digest of itself."""
    foreign: tuple[str, ...]
    """Files and folders that are no part of it. Hidden ones are not named: the lab's scratch files and those of file managers are."""


def contents(run: Run | CapacityRun) -> Contents:
    """List a run directory.

    Raises:
        RecordError: it can't be listed.
    """
    is_capacity = isinstance(run, CapacityRun)
    own = {RUN_FILE, MANIFEST_FILE} | ({MEASUREMENTS_FILE} if is_capacity else {TRIALS_FOLDER})
    trials = () if isinstance(run, CapacityRun) else run.trial_paths()
    foreign = [] if isinstance(run, CapacityRun) else list(run.foreign_paths())
    try:
        found = [path for path in _shown(run.path) if path.name != TRIES_FOLDER and not path.name.endswith(SHRUNK_SUFFIX)]
        foreign += [path for path in found if path.name not in own]
        files = [path for path in found if path.name in own - {MANIFEST_FILE, TRIALS_FOLDER}]
        for trial in trials:
            inside = list(_shown(trial))
            files += [path for path in inside if path.name in TRIAL_FILES]
            foreign += [path for path in inside if path.name not in TRIAL_FILES]
    except OSError as error:
        raise RecordError(f"{error.filename}: can't be listed ({error.strerror}); restore it or delete the run") from None
    return Contents(_relative(run.path, files), _relative(run.path, foreign))


def _shown(folder: Path) -> Iterable[Path]:
    return (path for path in folder.iterdir() if not path.name.startswith("."))


def _relative(run: Path, paths: Iterable[Path]) -> tuple[str, ...]:
    return tuple(sorted(path.relative_to(run).as_posix() for path in paths))

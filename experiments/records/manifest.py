"""The manifest of a run directory: a SHA-256 of each of its files, so that a later change of one of them shows.

``manifest.json`` is brought up to date whenever a file of the run is written. It finds what accidents, editors and copies do to a run. It
is no signature: a person who changes a file and the manifest alike is found only where the data contradict themselves or the reports.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field

from experiments.definition import Value
from experiments.errors import RecordError
from experiments.records.documents import read_json, validated, write_json

MANIFEST_FILE: Final = "manifest.json"
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Manifest(Value):
    """The digests of a run's files."""

    manifest_version: Literal[1] = 1
    files: dict[str, Sha256] = Field(default_factory=dict, description="by path relative to the run directory, parts separated by /")


@dataclass(frozen=True)
class Deviations:
    """How the files of a run differ from its manifest; paths relative to the run directory, sorted."""

    changed: tuple[str, ...]
    missing: tuple[str, ...]
    unlisted: tuple[str, ...]
    """Files of the run of which the manifest has no digest."""

    @property
    def is_none(self) -> bool:
        """Whether every file is as it was written."""
        return not (self.changed or self.missing or self.unlisted)


def digest(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal digits.

    Raises:
        OSError: it can't be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_manifest(run: Path) -> Manifest | None:
    """The manifest of the run directory ``run``; None if it has none, as in runs of format versions 1 and 2.

    Raises:
        RecordError: it is damaged.
    """
    file = run / MANIFEST_FILE
    return validated(file, Manifest, read_json(file)) if file.exists() else None


def enter(run: Path, files: Iterable[Path]) -> None:
    """Enter files of the run directory ``run`` that were just written, or written again, into its manifest; whole or not at all.

    Raises:
        RecordError: the manifest that is there is damaged.
    """
    before = read_manifest(run) or Manifest()
    written = {file.relative_to(run).as_posix(): digest(file) for file in files}
    write_json(run / MANIFEST_FILE, Manifest(files=dict(sorted({**before.files, **written}.items()))))


def deviations(run: Path, manifest: Manifest, present: Collection[str]) -> Deviations:
    """Compare files of the run directory ``run`` with its manifest; ``present`` are those that are there, as paths relative to it.

    Raises:
        RecordError: a file can't be read.
    """
    return Deviations(
        changed=tuple(sorted(name for name in present if name in manifest.files and _digest(run / name) != manifest.files[name])),
        missing=tuple(sorted(set(manifest.files) - set(present))),
        unlisted=tuple(sorted(set(present) - set(manifest.files))),
    )


def _digest(path: Path) -> str:
    try:
        return digest(path)
    except OSError as error:
        raise RecordError(f"{path}: not readable ({error.strerror}); restore it or delete the run") from None

"""Journals: files of JSON lines that are only ever appended to, each by one process, and the history that is made of them.

The load generator and the lab write a journal each, with one ``write`` a line. Whoever is killed leaves whole lines and at most one that
is cut off, which can only be the last of its own journal: in a file that both append to, it would spoil the other's next line too. When
the trial is over they are merged by time into its history, which is compressed, since it is written once and whole.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import pyarrow as pa
from pydantic import ValidationError

from experiments.errors import RecordError
from experiments.records.history import EVENT, Event

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


class Journal:
    """The writing end; may be used by several threads."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def append(self, *events: Event) -> None:
        """Add events."""
        for event in events:
            self._write(event.model_dump_json(exclude_none=True))

    def append_values(self, values: Mapping[str, Any]) -> None:
        """Add the event of these fields, unchecked: making the typed event takes the load generator longer than writing it."""
        self._write(_encode(values))

    def close(self) -> None:
        """Close the file; what is appended after that is an error."""
        os.close(self._descriptor)

    def _write(self, line: str) -> None:
        # One call a line: the kernel adds it as a whole, and nothing waits in a buffer of ours.
        os.write(self._descriptor, f"{line}\n".encode())


@dataclass(frozen=True)
class Read:
    """What a journal holds."""

    events: tuple[Event, ...]
    is_cut_off: bool
    """Its last line is not whole: the writer was killed while writing it."""


def read_journal(path: Path) -> Read:
    """Read a journal; one that was never begun is empty.

    Raises:
        RecordError: a line other than the last is damaged.
    """
    content = b""
    with suppress(FileNotFoundError):
        content = path.read_bytes()
    *lines, rest = content.split(b"\n")
    return Read(_events(path, lines), is_cut_off=bool(rest))


def merged(*journals: Iterable[Event]) -> tuple[Event, ...]:
    """All events by time; at the same time in the order given."""
    return tuple(sorted((event for events in journals for event in events), key=lambda event: event.at_s))


def write_history(path: Path, events: Sequence[Event]) -> None:
    """Write a whole history, one JSON object a line, compressed."""
    with pa.CompressedOutputStream(pa.OSFile(str(path), "wb"), "zstd") as file:
        for event in events:
            file.write(event.model_dump_json(exclude_none=True).encode() + b"\n")


def read_history(path: Path) -> tuple[Event, ...]:
    """Read what :func:`write_history` wrote.

    Raises:
        RecordError: it is missing or damaged.
    """
    try:
        with pa.CompressedInputStream(pa.OSFile(str(path)), "zstd") as file:
            content = file.read()
    except FileNotFoundError:
        raise RecordError(f"{path}: missing; runs from before there were histories have none") from None
    except (OSError, pa.ArrowException) as error:
        raise RecordError(f"{path}: not readable ({str(error).partition(chr(10))[0]}); restore it or delete the trial") from None
    *lines, rest = content.split(b"\n")
    if rest:
        raise RecordError(f"{path}: ends in the middle of a line; restore it or delete the trial")
    return _events(path, lines)


def _events(path: Path, lines: Sequence[bytes]) -> tuple[Event, ...]:
    read: Final = EVENT.validate_json
    number = 0
    try:
        events = []
        for number, line in enumerate(lines, 1):  # noqa: B007 - the error names it
            events.append(read(line))
        return tuple(events)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise RecordError(f"{path}: line {number}: {where}: {problem['msg']}; restore it or delete the trial") from None

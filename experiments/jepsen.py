"""Histories in Jepsen's JSON form, so that its own checkers can cross-check ours.

What elle-cli reads is an array of operations with ``type`` (invoke, ok, fail, info), ``f``, ``value``, ``process``, ``time`` (ns) and
``index``, which are all of what one of its models knows. So a trial becomes several histories, each for one model:

``enrolments-set.json``
    Model ``set``: each request adds an element, its final read has what the system knows in the end. Lost elements break our rule 1,
    unexpected ones rule 2. All sendings of a request are one addition.
``capacity-<course>.json``
    Model ``cas-register`` (Knossos): the changes of a course's capacity write a register, the uncached looks at its seats read it.

Jepsen's process may do nothing after an operation of unknown outcome (``info``); ours may, so each operation gets a process of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from experiments.definition import Operation
from experiments.invariants.history import History, Op
from experiments.records.files import Run, read_trial_history

SET_FILE: Final = "enrolments-set.json"
NEMESIS: Final = "nemesis"
_NS_PER_S: Final = 1_000_000_000
_TYPES: Final = {"ok": "ok", "fail": "fail", "unknown": "info"}


@dataclass(frozen=True)
class Step:
    """One operation of a Jepsen history, from its invocation to its end."""

    f: str
    began_s: float
    ended_s: float | None
    """None: never, as far as anybody knows."""
    ending: str
    asked: Any
    told: Any


def export(run: Run, folder: Path) -> tuple[Path, ...]:
    """Write the histories of every trial of the run, a folder for each; the files that were written.

    Raises:
        RecordError: the run has no histories, or one is damaged.
    """
    written = []
    for trial in run.trial_paths():
        target = folder / trial.name
        target.mkdir(parents=True, exist_ok=True)
        for name, operations in histories(History(read_trial_history(trial))).items():
            file = target / name
            file.write_text("[" + ",\n".join(map(json.dumps, operations)) + "]\n", encoding="utf-8")
            written.append(file)
    return tuple(written)


def histories(history: History) -> Mapping[str, Sequence[dict[str, Any]]]:
    """The histories of a trial by file name; a model that nothing in it speaks of has none."""
    found = {SET_FILE: list(_enrolments(history))} if history.requests and history.is_read else {}
    for course in sorted(history.updates):
        found[f"capacity-{course}.json"] = list(_capacity(history, course))
    faults = [
        (event.at_s, {"type": "info", "f": f"{event.kind}-{event.step}", "value": event.node, "process": NEMESIS})
        for event in history.faults
    ]
    return {name: _numbered([*_operations(steps), *faults]) for name, steps in found.items()}


def _enrolments(history: History) -> Iterator[Step]:
    """An addition for each request, with its number as the element, then one read of all that is there."""
    numbers = {key: number for number, key in enumerate(history.requests)}
    keys = {enrollment: op.invoke.key or f"process {op.process}" for enrollment, op in history.accepted.items()}
    for key, sendings in history.requests.items():
        ended = next((op for op in sendings if op.is_ok), None)
        ending = "ok" if ended is not None else "unknown" if any(op.is_possible for op in sendings) else "fail"
        last = sendings[-1].end
        ended_s = ended.ended_s if ended is not None else None if last is None else last.at_s
        yield Step("add", min(op.began_s for op in sendings), ended_s, ending, numbers[key], numbers[key])
    rows = list(history.final.values())
    elements = [numbers.get(row.key or keys.get(row.enrollment, ""), -1 - position) for position, row in enumerate(rows)]
    read_s = max((row.at_s for row in rows), default=history.events[-1].at_s)
    yield Step("read", read_s, read_s, "ok", None, sorted(elements))


def _capacity(history: History, course: int) -> Iterator[Step]:
    initial = next((row for row in history.courses.get(course, ()) if row.moment == "initial" and row.capacity is not None), None)
    if initial is not None:
        yield Step("write", initial.began_s, initial.at_s, "ok", initial.capacity, initial.capacity)
    for op in history.updates[course]:
        yield _step("write", op, op.invoke.capacity)
    for op in history.of(Operation.READ_SEATS):
        if op.invoke.course == course:
            yield _step("read", op, None)


def _step(f: str, op: Op, asked: int | None) -> Step:
    ended_s = None if op.end is None else op.end.at_s
    told = asked if op.end is None or f == "write" else op.end.capacity
    return Step(f, op.began_s, ended_s, "unknown" if op.end is None else op.end.type, asked, told)


def _operations(steps: Iterable[Step]) -> Iterator[tuple[float, dict[str, Any]]]:
    for process, step in enumerate(steps):
        yield step.began_s, {"type": "invoke", "f": step.f, "value": step.asked, "process": process}
        if step.ended_s is not None:
            yield step.ended_s, {"type": _TYPES[step.ending], "f": step.f, "value": step.told, "process": process}


def _numbered(operations: Iterable[tuple[float, dict[str, Any]]]) -> list[dict[str, Any]]:
    """In the order of their times, which count from the first event on; each invocation stays before its end."""
    ordered = sorted(operations, key=lambda operation: operation[0])
    start_s = ordered[0][0] if ordered else 0.0
    return [{**operation, "time": round((at_s - start_s) * _NS_PER_S), "index": index} for index, (at_s, operation) in enumerate(ordered)]

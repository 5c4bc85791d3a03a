"""Rule 8: the cache never answers with a version older than the stated bound allows; a writer reads its own write."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from experiments.definition import Operation
from experiments.invariants.history import History, Op
from experiments.invariants.rule import Finding, Rule, Violation
from experiments.invariants.versions import Thing, thing, version, writes


@dataclass(frozen=True)
class _Read:
    op: Op
    what: Thing
    version: int


def check(history: History) -> Finding:
    """A read that began later than the bound after a write's acknowledgement has at least its version; the writer's own read at once."""
    acknowledged = writes(history)
    bound_s = history.trial.staleness_bound_s if history.trial is not None else 0.0
    own = {
        (op.process, thing(op)): op for op in history.of(Operation.UPDATE_CAPACITY, Operation.UPDATE_STUDENT) if op.is_ok and version(op)
    }
    late = mine = 0
    violations = []
    for read in _reads(history):
        if read.what not in acknowledged:
            continue
        written = own.get((read.op.process, read.what))
        if written is not None and written.ended_s <= read.op.began_s:
            mine += 1
            if read.version < version(written):
                violations.append(_violation(read, written, "its writer read"))
                continue
        newest = acknowledged[read.what].newest_before(read.op.began_s - bound_s)
        if newest is not None:
            late += 1
            if read.version < version(newest):
                violations.append(_violation(read, newest, f"more than {bound_s:g} s after the acknowledgement somebody read"))
    return Finding({f"reads more than {bound_s:g} s after a write": late, "reads of one's own write": mine}, violations)


def _violation(read: _Read, written: Op, how: str) -> Violation:
    return Violation(f"{how} version {read.version} of {read.what[0]} {read.what[1]} instead of {version(written)}", [written, read.op])


def _reads(history: History) -> Iterator[_Read]:
    for op in history.of(Operation.READ_COURSE, Operation.READ_STUDENT):
        if op.is_ok and version(op):
            yield _Read(op, thing(op), version(op))
    for op in history.of(Operation.LIST_COURSES):
        for course, number in (op.end.versions or ()) if op.end is not None else ():
            yield _Read(op, ("course", course), number)


RULE = Rule("no_stale_read", check, "nothing was read after it was written")

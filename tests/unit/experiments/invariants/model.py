"""A small correct system under a random schedule: what it did is written as its clients and the final read saw it.

Steps happen one after the other at whole seconds, which is the truth; clients invoke some time before and hear some time after, or never.
Faults are what a client sees of them: answers that are lost, requests that are carried out long after they were given up, duplicates.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from experiments.definition import Operation
from experiments.invariants.history import COURSE_FULL, MISSING_PREREQUISITES, History
from tests.unit.experiments.invariants.scripts import COURSE, END_S, Script

STUDENTS = 12
LONGEST_WAIT_S = 8
"""Between an invocation and its effect, and between the effect and its answer."""


@dataclass
class Enrolment:
    """As the system stores it."""

    name: str
    student: int
    key: str
    state: str = "pending"
    reason: str | None = None
    decision: dict[str, Any] | None = None
    holds_seat: bool = False


@dataclass
class System:
    """The truth: one course, students, enrolments, each step atomic."""

    capacity: int
    version: int = 1
    students: dict[int, tuple[int, tuple[str, ...]]] = field(
        default_factory=lambda: {n: (1, ("A",) if n % 4 else ()) for n in range(STUDENTS)}
    )
    enrolments: dict[str, Enrolment] = field(default_factory=dict)
    """By key."""

    @property
    def taken(self) -> int:
        """Seats taken."""
        return sum(one.holds_seat for one in self.enrolments.values())

    def accept(self, key: str, student: int) -> Enrolment | None:
        """Store the request, or find the one of that key; None: the student has an active one."""
        if key in self.enrolments:
            return self.enrolments[key]
        if any(one.student == student and one.state in ("pending", "enrolled") for one in self.enrolments.values()):
            return None
        self.enrolments[key] = Enrolment(f"id-{key}", student, key)
        return self.enrolments[key]

    def decide(self, one: Enrolment) -> None:
        """Decide it, once."""
        if one.state != "pending":
            return
        student_version, completed = self.students[one.student]
        one.decision = {
            "course_version": self.version,
            "student_version": student_version,
            "capacity": self.capacity,
            "taken": self.taken,
            "prerequisites": ("A",),
            "completed_courses": completed,
        }
        if "A" not in completed:
            one.state, one.reason = "rejected", MISSING_PREREQUISITES
            one.decision["missing"] = ("A",)
        elif self.taken >= self.capacity:
            one.state, one.reason = "rejected", COURSE_FULL
        else:
            one.state, one.holds_seat = "enrolled", True

    def drop(self, one: Enrolment) -> bool:
        """Drop it; False where it was rejected."""
        if one.state == "rejected":
            return False
        one.state, one.holds_seat = "dropped", False
        return True

    def resize(self, capacity: int) -> bool:
        """Change the capacity; False where more seats are taken."""
        if capacity < self.taken:
            return False
        self.capacity = capacity
        self.version += 1
        return True


class Run:
    """One trial of the correct system, by a random schedule."""

    def __init__(self, seed: int, *, steps: int = 60) -> None:
        self.random = Random(seed)  # noqa: S311 - a schedule, no secret
        self.system = System(capacity=self.random.randint(0, 4))
        self.script = Script(bound_s=0.0)
        self.script.before(capacity=self.system.capacity)
        self.script.events[-2] = self.script.events[-2].model_copy(update={"prerequisites": ("A",)})
        self.own_looks: list[tuple[float, int]] = []
        """When who will look at what they wrote."""
        self.keys = 0
        for at_s in range(1, steps + 1):
            self._step(float(at_s))
        self._finish()

    @property
    def history(self) -> History:
        """As its clients saw it."""
        return self.script.history

    def _step(self, at_s: float) -> None:
        self._look_at_own(at_s)
        actions = [self._enroll, self._enroll, self._again, self._decide, self._decide, self._decide, self._read, self._drop, self._seats]
        self.random.choice([*actions, self._resize, self._rename, self._look])(at_s)

    def _times(self, at_s: float) -> tuple[float, float | None]:
        """When the client invoked what has its effect now, and when it hears of it; None: it never does."""
        began_s = at_s - self.random.random() * self.random.choice([0.4, LONGEST_WAIT_S])
        ended_s = at_s + self.random.random() * self.random.choice([0.4, LONGEST_WAIT_S])
        return began_s, None if self.random.random() < 0.2 else ended_s

    def _op(
        self, f: Operation, at_s: float, told: dict[str, Any], *, ok: bool, process: int | None = None, **fields: Any
    ) -> tuple[int, float | None]:
        """Who did it, and when they heard that it took effect, if they did."""
        began_s, ended_s = self._times(at_s)
        ending = "ok" if ok else "fail"
        if ended_s is None and self.random.random() < 0.5:  # it is told that there was no answer, before or after the effect
            ended_s, ending = began_s + self.random.random() * LONGEST_WAIT_S, "unknown"
        heard = ended_s is not None and ending == "ok"
        who = self.script.op(f, began_s, ended_s, ending, process=process, **fields, **(told if heard else {}))
        return who, ended_s if heard else None

    def _enroll(self, at_s: float) -> None:
        self.keys += 1
        self._send(at_s, f"{self.keys}", self.random.randrange(STUDENTS))

    def _again(self, at_s: float) -> None:
        """A duplicate: the client's own, or the gateway's second delivery."""
        if self.system.enrolments:
            one = self.random.choice(list(self.system.enrolments.values()))
            self._send(at_s, one.key, one.student)

    def _send(self, at_s: float, key: str, student: int) -> None:
        one = self.system.accept(key, student)
        told = {"enrollment": one.name} if one is not None else {}
        self._op(Operation.ENROLL, at_s, told, ok=one is not None, student=student, course=COURSE, key=key, digest=f"{student}")

    def _decide(self, _: float) -> None:
        waiting = [one for one in self.system.enrolments.values() if one.state == "pending"]
        if waiting:
            self.system.decide(self.random.choice(waiting))

    def _read(self, at_s: float) -> None:
        if self.system.enrolments:
            one = self.random.choice(list(self.system.enrolments.values()))
            decision = (
                None
                if one.decision is None
                else {name: one.decision[name] for name in ("course_version", "student_version", "capacity", "taken")}
            )
            told = {"state": one.state, "reason": one.reason, "decision": decision}
            self._op(Operation.READ_ENROLLMENT, at_s, told, ok=True, enrollment=one.name)

    def _drop(self, at_s: float) -> None:
        if self.system.enrolments:
            one = self.random.choice(list(self.system.enrolments.values()))
            self._op(Operation.DROP, at_s, {"state": "dropped"}, ok=self.system.drop(one), enrollment=one.name)

    def _seats(self, at_s: float) -> None:
        capacity, taken = self.system.capacity, self.system.taken
        told = {"capacity": capacity, "taken": taken, "free": capacity - taken}
        self._op(Operation.READ_SEATS, at_s, told, ok=True, course=COURSE)

    def _resize(self, at_s: float) -> None:
        capacity = self.random.randint(0, 5)
        done = self.system.resize(capacity)
        version = self.system.version
        process, heard_s = self._op(Operation.UPDATE_CAPACITY, at_s, {"version": version}, ok=done, course=COURSE, capacity=capacity)
        if done and heard_s is not None:
            self.own_looks.append((heard_s, process))

    def _look_at_own(self, before_s: float) -> None:
        """The writers who heard of their write by now look at it, in the state that the last step left."""
        for heard_s, process in [look for look in self.own_looks if look[0] < before_s]:
            self.own_looks.remove((heard_s, process))
            version = self.system.version
            self.script.op(Operation.READ_COURSE, heard_s + 1e-6, heard_s + 2e-6, process=process, course=COURSE, version=version)

    def _rename(self, at_s: float) -> None:
        student = self.random.randrange(STUDENTS)
        version, completed = self.system.students[student]
        self.system.students[student] = (version + 1, completed)
        self._op(Operation.UPDATE_STUDENT, at_s, {"version": version + 1}, ok=True, student=student)

    def _look(self, at_s: float) -> None:
        self._op(Operation.READ_COURSE, at_s, {"version": self.system.version}, ok=True, course=COURSE)

    def _finish(self) -> None:
        self._look_at_own(END_S)
        for one in list(self.system.enrolments.values()):
            self.system.decide(one)
        for one in self.system.enrolments.values():
            for source in ("api", "enrollment-db"):
                key = {"key": one.key} if source == "enrollment-db" else {}
                self.script.row(one.name, one.student, one.state, one.reason, source=source, decision=one.decision, **key)
            outcome = "accepted" if one.holds_seat else "released"
            self.script.reservation(one.name, outcome)
        taken, capacity = self.system.taken, self.system.capacity
        self.script.course(source="api", capacity=capacity, taken=taken, free=capacity - taken, enrolled=taken, pending=0)
        self.script.course(
            source="courses-db", capacity=capacity, taken=taken, reserved=taken, version=self.system.version, prerequisites=("A",)
        )
        self.script.course(source="enrollment-db", enrolled=taken, pending=0)
        for student, (version, completed) in self.system.students.items():
            self.script.student(student, completed, version=version)
        self.script.finish()

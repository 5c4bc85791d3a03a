"""A client that does one thing after the other, in any order, and compares each answer with the model's."""

from __future__ import annotations

import uuid
from collections import Counter
from functools import partial
from typing import Any, NoReturn, cast

import httpx
from hypothesis import reject
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.contract.client import Broker, Client, eventually, problem, unique_code
from tests.race.model import DROPPED, PENDING, Body, Model, Request
from tests.race.registrar import DEAD_LETTERS, QUEUE

CODES = ("ART100", "MATH101")
PAGE = 500
AWAY = frozenset({502, 503, 504})
"""The system says that it could not answer in time; on a busy machine that is right, and no prediction."""

COMPLETED = st.lists(st.sampled_from(CODES), unique=True, max_size=2)
CAPACITIES = st.integers(0, 3)
NAMES = st.text("abc é漢", min_size=1, max_size=5)
SPARED = 2
"""Nothing is deleted before there are more courses or students than this: too little would go on without them."""
ANY = st.integers(0, 5)
"""One of the things that there are."""
CHANGES = st.fixed_dictionaries({}, optional={"capacity": CAPACITIES, "prerequisites": COMPLETED, "name": NAMES}).filter(bool)


def _has_asked(machine: Any) -> bool:
    return bool(machine.requests)


class OneClient(RuleBasedStateMachine):
    """Each example works on what it has made itself; lists have what others made, too."""

    def __init__(self, client: Client, broker: Broker, executed: Counter[str]) -> None:
        super().__init__()
        self._client = client
        self._broker = broker
        self._executed = executed
        self._model = Model(self._everything("/courses"), self._everything("/students"))
        self.courses: list[int] = []
        self.students: list[int] = []
        self.requests: list[Request] = []

    @initialize(capacity=CAPACITIES, prerequisites=COMPLETED, completed=COMPLETED)
    def begin(self, capacity: int, prerequisites: list[str], completed: list[str]) -> None:
        """There is somebody and something to begin with."""
        self.make_course(capacity, prerequisites)
        self.make_student(completed)
        self.make_student(completed)

    @rule(capacity=CAPACITIES, prerequisites=COMPLETED)
    def make_course(self, capacity: int, prerequisites: list[str]) -> None:
        """POST /courses."""
        body = {"name": "Model", "code": unique_code(), "capacity": capacity, "prerequisites": prerequisites}
        made = self._send("POST", "/courses", {201}, body).json()
        assert made == {"id": made["id"], **body, "version": 1}
        assert made["id"] not in self._model.courses
        self.courses.append(made["id"])
        self._set_course(made["id"], made)

    @rule(completed=COMPLETED)
    def make_student(self, completed: list[str]) -> None:
        """POST /students."""
        body = {"name": "Modella", "completed_courses": completed}
        made = self._send("POST", "/students", {201}, body).json()
        assert made == {"id": made["id"], **body, "version": 1}
        self.students.append(made["id"])
        self._set_student(made["id"], made)

    @rule(which=ANY, other=ANY)
    def take_a_code(self, which: int, other: int) -> None:
        """The code of another course, by POST and by PATCH."""
        course_id, other_id = self._pick(self.courses, which), self._pick(self.courses, other)
        if (body := self._model.courses[other_id]) is None:
            return
        problem(self._send("POST", "/courses", {409}, {"name": "Twin", "code": body["code"], "capacity": 1}), 409, "duplicate-code")
        self._change_course("PATCH", course_id, {"code": body["code"]})

    @rule(which=ANY, change=CHANGES)
    def change_course(self, which: int, change: Body) -> None:
        """PATCH /courses/{id}."""
        self._change_course("PATCH", self._pick(self.courses, which), change)

    @rule(which=ANY, capacity=CAPACITIES, prerequisites=COMPLETED)
    def replace_course(self, which: int, capacity: int, prerequisites: list[str]) -> None:
        """PUT /courses/{id}."""
        change = {"name": "Replaced", "code": unique_code(), "capacity": capacity, "prerequisites": prerequisites}
        self._change_course("PUT", self._pick(self.courses, which), change)

    @precondition(lambda machine: len(machine.courses) > SPARED)
    @rule(which=ANY)
    def delete_course(self, which: int) -> None:
        """DELETE /courses/{id}."""
        course_id = self._pick(self.courses, which)
        answer = self._send("DELETE", f"/courses/{course_id}", self._model.delete_answers(course_id))
        if answer.status_code == 204:
            self._set_course(course_id, None)

    @rule(which=ANY, completed=COMPLETED, method=st.sampled_from(("PUT", "PATCH")))
    def change_student(self, which: int, completed: list[str], method: str) -> None:
        """PUT and PATCH /students/{id}."""
        student_id = self._pick(self.students, which)
        before = self._model.students[student_id]
        change: Body = {"completed_courses": completed} | ({"name": "Replaced"} if method == "PUT" else {})
        answer = self._send(method, f"/students/{student_id}", {404 if before is None else 200}, change)
        if before is not None:
            self._set_student(student_id, _changed(before, change, answer))

    @precondition(lambda machine: len(machine.students) > SPARED)
    @rule(which=ANY)
    def delete_student(self, which: int) -> None:
        """DELETE /students/{id}."""
        student_id = self._pick(self.students, which)
        self._send("DELETE", f"/students/{student_id}", {404 if self._model.students[student_id] is None else 204})
        self._set_student(student_id, None)

    @rule(student=ANY, course=ANY, with_key=st.booleans())
    def ask(self, student: int, course: int, with_key: bool) -> None:  # noqa: FBT001 - Hypothesis calls it
        """POST /enroll, of a student and for a course that may be deleted, and leave it pending."""
        key = uuid.uuid4().hex if with_key else None
        self._ask(self._pick(self.students, student), self._pick(self.courses, course), key)

    @rule(student=ANY, course=ANY)
    def enrol(self, student: int, course: int) -> None:
        """POST /enroll, and wait for the outcome."""
        if (request := self._ask(self._pick(self.students, student), self._pick(self.courses, course), None)) is not None:
            self._settle(request)

    @precondition(_has_asked)
    @rule(which=ANY)
    def repeat(self, which: int) -> None:
        """POST /enroll once more, with its key where it had one."""
        request = self._pick(self.requests, which)
        self._ask(request.student_id, request.course_id, request.key)

    @precondition(_has_asked)
    @rule(which=ANY, student=ANY)
    def repeat_with_other_body(self, which: int, student: int) -> None:
        """POST /enroll once more, for another student."""
        request = self._pick(self.requests, which)
        self._ask(self._pick(self.students, student), request.course_id, request.key)

    @precondition(_has_asked)
    @rule(which=ANY)
    def drop(self, which: int) -> None:
        """DELETE /enroll/{id}; the seat is free afterwards."""
        request = self._pick(self.requests, which)
        answer = self._send("DELETE", f"/enroll/{request.id}", self._model.drop_answers(request))
        if answer.status_code == 409:
            problem(answer, 409, "not-enrolled")
            self._see(request)
            return
        if request.outcome == DROPPED:
            assert answer.json() == request.body
            return
        self._decided(request, answer.json())
        if self._model.courses.get(request.course_id) is not None:
            eventually(lambda: self._seats(request.course_id)["taken"], lambda taken: taken <= self._most_taken(request.course_id))

    @precondition(_has_asked)
    @rule(which=ANY)
    def deliver_again(self, which: int) -> None:
        """The messages about a request come again, those of a decided one as dead letters too."""
        request = self._pick(self.requests, which)
        bodies = [f'{{"kind":"{kind}","enrollment_id":"{request.id}"}}' for kind in ("decide", "release")]
        for queue in (QUEUE,) if request.pending else (QUEUE, DEAD_LETTERS):
            self._broker.publish(queue, *bodies)

    @precondition(_has_asked)
    @rule()
    def settle(self) -> None:
        """Wait for every outcome."""
        for request in self.requests:
            self._settle(request)

    @precondition(_has_asked)
    @rule(which=ANY)
    def read_histories(self, which: int) -> None:
        """GET a student's and a course's requests, the oldest first."""
        chosen = self._pick(self.requests, which)
        for of, name in ((f"student/{chosen.student_id}", "student_id"), (f"course/{chosen.course_id}", "course_id")):
            found = self._get(f"/enroll/{of}", {200}).json()
            expected = [item for item in self.requests if getattr(item, name) == getattr(chosen, name)]
            assert [entry["id"] for entry in found] == [item.id for item in expected]
            for entry, item in zip(found, expected, strict=True):
                self._seen(item, entry)

    @rule(limit=st.integers(1, 4), from_end=st.integers(0, 6))
    def read_pages(self, limit: int, from_end: int) -> None:
        """GET the end of each list, by pages."""
        for path, collection in (("/courses", self._model.courses), ("/students", self._model.students)):
            count = sum(body is not None for body in collection.values())
            offset = max(0, count - from_end)
            assert self._get(f"{path}?limit={limit}&offset={offset}", {200}).json() == self._model.page(collection, limit, offset)

    @rule()
    def ask_for_what_is_unknown(self) -> None:
        """GET and DELETE a request that nobody sent."""
        for method in ("GET", "DELETE"):
            problem(self._send(method, f"/enroll/{uuid.uuid4()}", {404}), 404, "enrollment-not-found")

    @invariant()
    def reads_have_every_write(self) -> None:
        """Each course and student is read as it was last written, through the cache."""
        for path, ids, collection in (
            ("/courses", self.courses, self._model.courses),
            ("/students", self.students, self._model.students),
        ):
            for key in ids[-3:]:
                body = collection[key]
                answer = self._get(f"{path}/{key}", {404 if body is None else 200})
                assert body is None or answer.json() == body

    @invariant()
    def seats_are_those_of_the_enrolled(self) -> None:
        """Taken are the seats of the enrolled, and perhaps of those whose outcome is not known yet; free are the others."""
        for course_id in self.courses[-3:]:
            body = self._model.courses[course_id]
            if body is None:
                problem(self._get(f"/courses/{course_id}/seats", {404}), 404, "course-not-found")
                continue
            seats = self._seats(course_id)
            assert self._model.held(course_id) <= seats["taken"] <= min(self._most_taken(course_id), body["capacity"])
            assert seats == {
                "course_id": course_id,
                "capacity": body["capacity"],
                "taken": seats["taken"],
                "free": body["capacity"] - seats["taken"],
            }

    def teardown(self) -> None:
        """In the end every request has its one outcome."""
        self._executed["examples"] += 1
        for request in self.requests:
            self._settle(request)
            self._see(request)
        if self.courses:
            self.seats_are_those_of_the_enrolled()

    def _ask(self, student_id: int, course_id: int, key: str | None) -> Request | None:
        """The new request, where it is one."""
        owner, earlier = self._model.owner(key), self._model.of_pair(student_id, course_id)
        answers = self._model.ask_answers(student_id, course_id, key)
        body = {"student_id": student_id, "course_id": course_id}
        answer = self._send("POST", "/enroll", answers, body, {} if key is None else {"Idempotency-Key": key})
        if answer.status_code != 202:
            problem(answer, answer.status_code, "already-enrolled" if answer.status_code == 409 else "idempotency-key-reused")
            return None
        assert answer.json()["status"] == "pending"
        assert answer.headers["location"] == f"/enroll/{answer.json()['id']}"
        if owner is not None:
            assert answer.json()["id"] == owner.id
            return None
        assert answer.json()["id"] not in self._model.requests
        for other in earlier:  # whatever they were, none of them stands in its way any more
            self._see(other)
            assert other.outcome[0] in {"rejected", "dropped"}
        request = Request(answer.json()["id"], student_id, course_id, key)
        self.requests.append(request)
        self._model.asked(request)
        return request

    def _change_course(self, method: str, course_id: int, change: Body) -> None:
        before = self._model.courses[course_id]
        answer = self._send(method, f"/courses/{course_id}", self._model.change_answers(course_id, change), change)
        if answer.status_code == 200 and before is not None:
            self._set_course(course_id, _changed(before, change, answer))

    def _set_course(self, course_id: int, body: Body | None) -> None:
        self._model.courses[course_id] = body
        self._model.changed()

    def _set_student(self, student_id: int, body: Body | None) -> None:
        self._model.students[student_id] = body
        self._model.changed()

    def _settle(self, request: Request) -> None:
        eventually(lambda: self._see(request), lambda _: not request.pending)

    def _see(self, request: Request) -> None:
        self._seen(request, self._get(f"/enroll/{request.id}", {200}).json())

    def _seen(self, request: Request, entry: Body) -> None:
        """What a read says of a request must be possible, and once it is decided never change."""
        assert (entry["id"], entry["student_id"], entry["course_id"]) == (request.id, request.student_id, request.course_id)
        outcome = (entry["status"], entry["reason"])
        if request.pending:
            assert outcome in {PENDING, *request.possible()}
            assert bool(entry["missing_prerequisites"]) == (entry["reason"] == "missing_prerequisites")
            if outcome != PENDING:
                self._decided(request, entry)
        else:
            assert entry == request.body

    def _decided(self, request: Request, body: Body) -> None:
        outcome = (body["status"], body["reason"])
        self._executed[outcome[1] or outcome[0]] += 1
        request.body = body
        self._model.decided(request, outcome)

    def _seats(self, course_id: int) -> Body:
        return cast("Body", self._get(f"/courses/{course_id}/seats", {200}).json())

    def _most_taken(self, course_id: int) -> int:
        return self._model.held(course_id) + self._model.undecided(course_id)

    def _everything(self, path: str) -> list[Body]:
        found: list[Body] = []
        while True:
            page = self._get(f"{path}?limit={PAGE}&offset={len(found)}", {200}).json()
            found += page
            if len(page) < PAGE:
                return found

    def _pick(self, things: list[Any], which: int) -> Any:
        """One of the things, the newest by the smallest number."""
        return things[-1 - which % len(things)]

    def _get(self, path: str, expected: set[int]) -> httpx.Response:
        answer = eventually(partial(self._client.http.get, path), lambda answer: answer.status_code not in AWAY)
        self._executed["requests"] += 1
        assert answer.status_code in expected, answer.text
        return answer

    def _send(
        self, method: str, path: str, expected: set[int], body: Body | None = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        answer = self._client.http.request(method, path, json=body, headers=headers)
        self._executed["requests"] += 1
        if answer.status_code in AWAY:
            self._give_up()
        assert answer.status_code in expected, answer.text
        self._executed[f"{method} {path.split('/')[1]}"] += 1
        return answer

    def _give_up(self) -> NoReturn:
        """Whether the request had an effect is unknown now, so the example can't go on."""
        self._executed["given up"] += 1
        reject()


def _changed(before: Body, change: Body, answer: httpx.Response) -> Body:
    """The body after a change; its version goes up, by more than one where the gateway delivered the request twice."""
    after: Body = answer.json()
    assert after["version"] > before["version"]
    assert after == {**before, **change, "version": after["version"]}
    return after

"""The contract of /enroll: accepting, deciding, history, dropping."""

from __future__ import annotations

import uuid

import pytest

from tests.contract.client import Client, eventually, problem

UNKNOWN_ID = 2**31 - 1


def test_a_request_is_accepted_at_once_and_decided_later(client: Client) -> None:
    """POST answers 202 with an id and a Location, under which the outcome is found."""
    course, student = client.course(), client.student()
    response = client.http.post("/enroll", json={"student_id": student["id"], "course_id": course["id"]})
    assert response.status_code == 202
    assert response.json() == {"id": response.json()["id"], "status": "pending"}
    assert response.headers["location"] == f"/enroll/{response.json()['id']}"
    outcome = client.outcome(response.json()["id"])
    assert (outcome["status"], outcome["reason"]) == ("enrolled", None)
    assert outcome["requested_at"] <= outcome["decided_at"]


def test_missing_prerequisites_are_the_reason(client: Client) -> None:
    """A student without a listed course is rejected with its code, and the decision records what it saw."""
    course = client.course(capacity=4, prerequisites=["CS187", "CS220"])
    student = client.student("CS187", "CS101")
    outcome = client.enrolled(student["id"], course["id"])
    assert (outcome["status"], outcome["reason"]) == ("rejected", "missing_prerequisites")
    assert outcome["missing_prerequisites"] == ["CS220"]
    assert outcome["decision"] == {
        "course_version": 1,
        "prerequisites": ["CS187", "CS220"],
        "capacity": 4,
        "taken": 0,
        "student_version": 1,
        "completed_courses": ["CS101", "CS187"],
        "missing": ["CS220"],
    }
    assert client.seats(course["id"])["taken"] == 0


def test_prerequisites_are_judged_as_they_are_when_deciding(client: Client) -> None:
    """A completed course that was added a moment ago counts, whatever a cache may hold."""
    course, student = client.course(prerequisites=["CS220"]), client.student()
    client.http.get(f"/students/{student['id']}")
    client.http.patch(f"/students/{student['id']}", json={"completed_courses": ["CS220"]})
    assert client.enrolled(student["id"], course["id"])["status"] == "enrolled"


def test_a_full_course_is_the_reason(client: Client) -> None:
    """Who comes after the last seat is rejected, and may ask again once a seat is free."""
    course = client.course(capacity=1)
    first, second = client.student(), client.student()
    holder = client.enrolled(first["id"], course["id"])
    refused = client.enrolled(second["id"], course["id"])
    assert (refused["status"], refused["reason"]) == ("rejected", "course_full")
    client.http.delete(f"/enroll/{holder['id']}")
    assert client.enrolled(second["id"], course["id"])["status"] == "enrolled"


def test_unknown_student_and_course_are_reasons(client: Client) -> None:
    """What does not exist is found out when deciding."""
    course, student = client.course(), client.student()
    assert client.enrolled(UNKNOWN_ID, course["id"])["reason"] == "unknown_student"
    assert client.enrolled(student["id"], UNKNOWN_ID)["reason"] == "unknown_course"
    for history in (f"/enroll/student/{UNKNOWN_ID}", f"/enroll/course/{UNKNOWN_ID}"):
        assert {entry["status"] for entry in client.http.get(history).json()} == {"rejected"}


def test_a_student_enrols_in_a_course_once(client: Client) -> None:
    """A second request while the first is pending or enrolled is a conflict; after a drop it is a new request."""
    course, student = client.course(), client.student()
    first = client.enrolled(student["id"], course["id"])
    problem(client.enroll(student["id"], course["id"]), 409, "already-enrolled")
    client.http.delete(f"/enroll/{first['id']}")
    again = client.enrolled(student["id"], course["id"])
    assert again["id"] != first["id"]
    assert again["status"] == "enrolled"
    assert client.seats(course["id"])["taken"] == 1


def test_the_same_idempotency_key_gives_the_same_request(client: Client) -> None:
    """The same key with the same body gives the same id, also after the outcome; with another body 422."""
    course, student, other = client.course(), client.student(), client.student()
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    first = client.enroll(student["id"], course["id"], headers)
    client.outcome(first.json()["id"])
    second = client.enroll(student["id"], course["id"], headers)
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json() == second.json()
    problem(client.enroll(other["id"], course["id"], headers), 422, "idempotency-key-reused")
    assert client.seats(course["id"])["taken"] == 1


def test_a_second_delivery_by_the_gateway_is_the_same_request(client: Client) -> None:
    """Without an Idempotency-Key the gateway's request id tells a second delivery from a second request."""
    course, student = client.course(), client.student()
    headers = {"X-Request-Id": uuid.uuid4().hex}
    first, second = (client.enroll(student["id"], course["id"], headers) for _ in range(2))
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json() == second.json()
    problem(client.enroll(student["id"], course["id"], {"X-Request-Id": uuid.uuid4().hex}), 409, "already-enrolled")


@pytest.mark.parametrize("header", ["Idempotency-Key", "X-Request-Id"])
def test_a_refusal_holds_for_a_delivery_that_comes_late(client: Client, header: str) -> None:
    """Who was told 409 is not enrolled by the same request once the reason has gone; a request of its own is another matter."""
    course, student = client.course(), client.student()
    first = client.enrolled(student["id"], course["id"])
    refused = {header: uuid.uuid4().hex}
    problem(client.enroll(student["id"], course["id"], refused), 409, "already-enrolled")
    client.http.delete(f"/enroll/{first['id']}")
    problem(client.enroll(student["id"], course["id"], refused), 409, "already-enrolled")
    assert [entry["id"] for entry in client.http.get(f"/enroll/student/{student['id']}").json()] == [first["id"]]
    assert client.enrolled(student["id"], course["id"])["status"] == "enrolled"


def test_history_is_found_by_student_and_by_course(client: Client) -> None:
    """Every request of a student and of a course is listed, the oldest first, in pages."""
    courses, student = [client.course() for _ in range(3)], client.student()
    ids = [client.enrolled(student["id"], course["id"])["id"] for course in courses]
    path = f"/enroll/student/{student['id']}"
    assert [entry["id"] for entry in client.http.get(path).json()] == ids
    assert [entry["id"] for entry in client.http.get(path, params={"limit": 1, "offset": 1}).json()] == ids[1:2]
    assert [entry["id"] for entry in client.http.get(f"/enroll/course/{courses[2]['id']}").json()] == ids[2:]


def test_a_drop_frees_the_seat_before_it_is_answered(client: Client) -> None:
    """DELETE of an enrolment answers with the dropped state and leaves the seat free; a second one changes nothing."""
    course, student = client.course(capacity=1), client.student()
    enrollment = client.enrolled(student["id"], course["id"])
    dropped = client.http.delete(f"/enroll/{enrollment['id']}")
    assert dropped.status_code == 200
    assert dropped.json()["status"] == "dropped"
    assert client.seats(course["id"])["free"] == 1
    assert client.http.delete(f"/enroll/{enrollment['id']}").json() == dropped.json()
    assert client.seats(course["id"])["free"] == 1


def test_a_rejected_request_stays_rejected(client: Client) -> None:
    """There is nothing to drop in a rejected request."""
    refused = client.enrolled(UNKNOWN_ID, client.course()["id"])
    problem(client.http.delete(f"/enroll/{refused['id']}"), 409, "not-enrolled")
    assert client.enrollment(refused["id"]) == refused


def test_a_request_that_is_dropped_at_once_ends_dropped_and_holds_no_seat(client: Client) -> None:
    """Whether the drop or the decision comes first, the one outcome is dropped and the seat is free in the end."""
    course, students = client.course(capacity=10), [client.student() for _ in range(10)]
    ids = [client.enroll(student["id"], course["id"]).json()["id"] for student in students]
    for enrollment_id in ids:
        assert client.http.delete(f"/enroll/{enrollment_id}").json()["status"] == "dropped"
    eventually(lambda: client.seats(course["id"])["free"], lambda free: free == 10)
    last = client.enrolled(client.student()["id"], course["id"])  # decided after them: their messages have been handled
    assert last["status"] == "enrolled"
    assert {client.enrollment(enrollment_id)["status"] for enrollment_id in ids} == {"dropped"}
    assert client.seats(course["id"])["taken"] == 1


def test_what_is_unknown_is_not_found(client: Client) -> None:
    """An id that no request has is 404, for reading and for dropping."""
    for response in (client.http.get(f"/enroll/{uuid.uuid4()}"), client.http.delete(f"/enroll/{uuid.uuid4()}")):
        problem(response, 404, "enrollment-not-found")

"""The rules that must survive every fault, here under concurrency alone."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable
from functools import partial

import httpx

from tests.contract.client import Broker, Client, at_once, eventually, problem

QUEUE = "enrollment.requests"
DEAD_LETTERS = f"{QUEUE}.dead-letters"


def test_a_race_for_seats_enrols_exactly_as_many_as_there_are(client: Client) -> None:
    """Of 40 students who ask at the same time for 10 seats exactly 10 are enrolled and 30 rejected as full."""
    course = client.course(capacity=10)
    students = [client.student() for _ in range(40)]
    answers = at_once([partial(client.enroll, student["id"], course["id"]) for student in students])
    assert {answer.status_code for answer in answers} == {202}
    outcomes = [client.outcome(answer.json()["id"]) for answer in answers]
    assert Counter((outcome["status"], outcome["reason"]) for outcome in outcomes) == {
        ("enrolled", None): 10,
        ("rejected", "course_full"): 30,
    }
    assert client.seats(course["id"]) == {"course_id": course["id"], "capacity": 10, "taken": 10, "free": 0}
    for outcome in outcomes:
        seen = outcome["decision"]
        assert (outcome["status"] == "enrolled") == (seen["taken"] < seen["capacity"])
    history = client.http.get(f"/enroll/course/{course['id']}", params={"limit": 500}).json()
    assert sorted(entry["id"] for entry in history) == sorted(answer.json()["id"] for answer in answers)


def test_one_student_asking_many_times_at_once_is_one_request(client: Client) -> None:
    """Of simultaneous requests of one student for one course one is accepted; the others are conflicts."""
    course, student = client.course(capacity=5), client.student()
    answers = at_once([partial(client.enroll, student["id"], course["id"])] * 12)
    assert Counter(answer.status_code for answer in answers) == {202: 1, 409: 11}
    client.outcome(next(answer.json()["id"] for answer in answers if answer.status_code == 202))
    assert client.seats(course["id"])["taken"] == 1


def test_one_idempotency_key_sent_many_times_at_once_is_one_request(client: Client) -> None:
    """Simultaneous deliveries with one key all get the same id."""
    course, student = client.course(capacity=5), client.student()
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    answers = at_once([partial(client.enroll, student["id"], course["id"], headers)] * 12)
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    client.outcome(answers[0].json()["id"])
    assert client.seats(course["id"])["taken"] == 1


def test_seats_that_come_and_go_are_never_lost_or_given_twice(client: Client) -> None:
    """While students enrol and drop at the same time, enrolled plus free stays the capacity and nobody is refused a free seat."""
    course = client.course(capacity=8)
    students = [client.student() for _ in range(8)]

    def enrol_and_drop(student_id: int) -> list[str]:
        found = []
        for _ in range(4):
            outcome = client.enrolled(student_id, course["id"])
            found.append(outcome["status"])
            client.http.delete(f"/enroll/{outcome['id']}")
        return found

    results = at_once([partial(enrol_and_drop, student["id"]) for student in students])
    assert {status for result in results for status in result} == {"enrolled"}
    eventually(lambda: client.seats(course["id"])["free"], lambda free: free == 8)


def test_lowering_the_capacity_in_a_race_never_over_enrols(client: Client) -> None:
    """A smaller capacity is either refused or obeyed."""
    course = client.course(capacity=20)
    students = [client.student() for _ in range(20)]

    def shrink() -> httpx.Response:
        return client.http.patch(f"/courses/{course['id']}", json={"capacity": 5})

    calls: list[Callable[[], httpx.Response]] = [partial(client.enroll, student["id"], course["id"]) for student in students]
    answers = at_once([*calls, shrink])
    outcomes = [client.outcome(answer.json()["id"]) for answer in answers[:-1]]
    seats = client.seats(course["id"])
    assert answers[-1].status_code in {200, 409}
    assert seats["capacity"] == (5 if answers[-1].status_code == 200 else 20)
    assert seats["taken"] == sum(outcome["status"] == "enrolled" for outcome in outcomes) <= seats["capacity"]


def test_a_duplicate_message_has_no_second_effect(client: Client, broker: Broker) -> None:
    """Messages that come again, alive or as dead letters, change neither an outcome nor a seat."""
    course, student = client.course(capacity=3), client.student()
    outcome = client.enrolled(student["id"], course["id"])
    dropped = client.enrolled(client.student()["id"], course["id"])
    client.http.delete(f"/enroll/{dropped['id']}")
    for enrollment_id in (outcome["id"], dropped["id"]):
        bodies = [f'{{"kind":"{kind}","enrollment_id":"{enrollment_id}"}}' for kind in ("decide", "release")]
        broker.publish(QUEUE, *bodies)
        broker.publish(DEAD_LETTERS, *bodies)
    broker.drained(QUEUE, DEAD_LETTERS)
    client.enrolled(client.student()["id"], course["id"])
    assert client.enrollment(outcome["id"]) == outcome
    assert client.enrollment(dropped["id"])["status"] == "dropped"
    assert client.seats(course["id"])["taken"] == 2


def test_a_message_nobody_can_read_stops_nothing(client: Client, broker: Broker) -> None:
    """Damaged messages are put aside, and requests after them are decided."""
    broker.publish(QUEUE, "", "{", '{"kind":"decide","enrollment_id":"none"}', f'{{"kind":"decide","enrollment_id":"{uuid.uuid4()}"}}')
    broker.drained(QUEUE, DEAD_LETTERS)
    assert client.enrolled(client.student()["id"], client.course()["id"])["status"] == "enrolled"


def test_a_dead_letter_ends_its_request(client: Client, broker: Broker) -> None:
    """A request whose message is given up was decided before or is rejected as failed, and then holds no seat."""
    course = client.course(capacity=40)
    ids = []
    for student in [client.student() for _ in range(20)]:
        ids.append(client.enroll(student["id"], course["id"]).json()["id"])
        broker.publish(DEAD_LETTERS, f'{{"kind":"decide","enrollment_id":"{ids[-1]}"}}')
    outcomes = [client.outcome(enrollment_id) for enrollment_id in ids]
    assert {(outcome["status"], outcome["reason"]) for outcome in outcomes} <= {("enrolled", None), ("rejected", "processing_failed")}
    enrolled = sum(outcome["status"] == "enrolled" for outcome in outcomes)
    eventually(lambda: client.seats(course["id"])["taken"], lambda taken: taken == enrolled)


def test_the_public_side_leads_to_no_internal_endpoint(client: Client) -> None:
    """Nobody reserves a seat past the rules."""
    for path in ("/internal/courses/reservations", "/internal/courses/releases", "/internal/students/lookup"):
        assert client.http.post(path, json={}).status_code == 404


def test_a_reservation_gets_one_answer_for_ever(client: Client, service_urls: dict[str, str]) -> None:
    """The first answer to a reservation is repeated, and a release that comes first closes it."""
    course = client.course(capacity=1)
    first, late = str(uuid.uuid4()), str(uuid.uuid4())
    with httpx.Client(base_url=service_urls["courses"], trust_env=False) as courses:

        def reserve(reservation_id: str) -> str:
            item = {"reservation_id": reservation_id, "course_id": course["id"], "student_id": 1, "completed_courses": []}
            answer = courses.post("/internal/courses/reservations", json={"reservations": [item]}).json()
            return str(answer["reservations"][0]["outcome"])

        def release(reservation_id: str) -> int:
            item = {"reservation_id": reservation_id, "course_id": course["id"]}
            return int(courses.post("/internal/courses/releases", json={"releases": [item]}).json()["freed"])

        assert release(late) == 0
        assert reserve(late) == "released"
        assert set(at_once([partial(reserve, first)] * 6)) == {"accepted"}
        refused = str(uuid.uuid4())
        assert reserve(refused) == "course_full"
        assert sorted(at_once([partial(release, first)] * 6)) == [0, 0, 0, 0, 0, 1]
        assert reserve(refused) == "course_full"
        assert reserve(first) == "released"
        assert client.seats(course["id"])["taken"] == 0
        problem(courses.post("/internal/courses/reservations", json={"reservations": []}), 422, "invalid")

"""The contract of /students."""

from __future__ import annotations

import uuid

from tests.contract.client import Client, json_object, problem


def test_post_makes_a_student_with_the_body_of_the_contract(client: Client) -> None:
    """The curl body of the contract gives 201 with the student and its Location."""
    response = client.http.post("/students", json={"name": "John Doe", "completed_courses": ["CS187", "CS220"]})
    assert response.status_code == 201
    student = response.json()
    assert student == {"id": student["id"], "name": "John Doe", "completed_courses": ["CS187", "CS220"], "version": 1}
    assert client.http.get(response.headers["location"]).json() == student


def test_two_students_may_have_the_same_name(client: Client) -> None:
    """Two requests make two students, however alike."""
    assert client.student()["id"] != client.student()["id"]


def test_a_second_delivery_by_the_gateway_makes_no_second_student(client: Client) -> None:
    """The same X-Request-Id with the same body gives the same student, with another body another one."""
    headers = {"X-Request-Id": uuid.uuid4().hex}
    first, second = (client.http.post("/students", json={"name": "Ada"}, headers=headers).json() for _ in range(2))
    assert first == second
    assert client.http.post("/students", json={"name": "Bob"}, headers=headers).json()["id"] != first["id"]


def test_put_patch_and_delete(client: Client) -> None:
    """PUT sets every field, PATCH the given ones, DELETE forgets the student."""
    student = client.student("CS187")
    path = f"/students/{student['id']}"
    replaced = json_object(client.http.put(path, json={"name": "Jane Doe"}))
    assert replaced == {"id": student["id"], "name": "Jane Doe", "completed_courses": [], "version": 2}
    changed = json_object(client.http.patch(path, json={"completed_courses": ["CS220"]}))
    assert changed == {**replaced, "completed_courses": ["CS220"], "version": 3}
    assert client.http.delete(path).status_code == 204
    for response in (client.http.get(path), client.http.put(path, json={"name": "X"}), client.http.delete(path)):
        problem(response, 404, "student-not-found")


def test_the_list_is_paged(client: Client) -> None:
    """Limit bounds a page; offset goes on where the last one ended."""
    for _ in range(3):
        client.student()
    whole = client.http.get("/students", params={"limit": 3}).json()
    parts = [client.http.get("/students", params={"limit": 1, "offset": offset}).json() for offset in range(3)]
    assert len(whole) == 3
    assert whole == [student for part in parts for student in part]


def test_a_record_has_bounds(client: Client) -> None:
    """More completed courses than anybody has are refused, and the field is named."""
    found = problem(client.http.post("/students", json={"name": "A", "completed_courses": ["C1"] * 201}), 422, "invalid")
    assert [error["field"] for error in found["errors"]] == ["body.completed_courses"]

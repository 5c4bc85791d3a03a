"""The contract of /courses."""

from __future__ import annotations

import json

import pytest

from tests.contract.client import Client, json_object, problem, unique_code


def test_post_makes_a_course_with_the_body_of_the_contract(client: Client) -> None:
    """The curl body of the contract, under a fresh code, gives 201 with the course and its Location."""
    code = unique_code()
    response = client.http.post("/courses", json={"name": "Web Systems", "code": code, "capacity": 100, "prerequisites": ["CS220"]})
    assert response.status_code == 201
    course = response.json()
    assert course == {"id": course["id"], "name": "Web Systems", "code": code, "capacity": 100, "prerequisites": ["CS220"], "version": 1}
    assert response.headers["location"] == f"/courses/{course['id']}"
    assert client.http.get(response.headers["location"]).json() == course


def test_curl_without_a_content_type_is_understood(client: Client) -> None:
    """``curl -d`` says that it sends a form; the body is read as the JSON that it is."""
    body = f'{{"name":"Web Systems","code":"{unique_code()}","capacity":100,"prerequisites":["CS220"]}}'
    response = client.http.post("/courses", content=body, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert response.status_code == 201


def test_a_code_belongs_to_one_course(client: Client) -> None:
    """A second course of the same code is a conflict, by POST, PUT and PATCH alike."""
    first, second = client.course(), client.course()
    body = {"name": "Another", "code": first["code"], "capacity": 1, "prerequisites": []}
    problem(client.http.post("/courses", json=body), 409, "duplicate-code")
    problem(client.http.put(f"/courses/{second['id']}", json=body), 409, "duplicate-code")
    problem(client.http.patch(f"/courses/{second['id']}", json={"code": first["code"]}), 409, "duplicate-code")


def test_a_second_delivery_by_the_gateway_is_no_conflict(client: Client) -> None:
    """The same X-Request-Id with the same body gives the course that the first delivery has made."""
    code = unique_code()
    body = {"name": "Web Systems", "code": code, "capacity": 1, "prerequisites": []}
    headers = {"X-Request-Id": f"{code}-delivery"}
    first, second = (client.http.post("/courses", json=body, headers=headers) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()


def test_put_replaces_and_patch_changes(client: Client) -> None:
    """PUT sets every field, PATCH the given ones; each raises the version."""
    course = client.course(capacity=5, prerequisites=["A1"])
    path = f"/courses/{course['id']}"
    replaced = json_object(client.http.put(path, json={"name": "New", "code": course["code"], "capacity": 7}))
    assert replaced == {**course, "name": "New", "capacity": 7, "prerequisites": [], "version": 2}
    changed = json_object(client.http.patch(path, json={"prerequisites": ["B2", "B2"]}))
    assert changed == {**replaced, "prerequisites": ["B2"], "version": 3}


def test_the_list_is_paged_and_filtered(client: Client) -> None:
    """Limit and offset cut the list in the order of ids; code finds one course."""
    courses = [client.course() for _ in range(3)]
    first = client.http.get("/courses", params={"limit": 1, "offset": 0}).json()
    assert len(first) == 1
    everything = [course["id"] for offset in range(0, 10_000, 500) for course in _page(client, offset)]
    assert everything == sorted(everything)
    assert {course["id"] for course in courses} <= set(everything)
    assert client.http.get("/courses", params={"code": courses[1]["code"]}).json() == [courses[1]]
    assert client.http.get("/courses", params={"code": unique_code()}).json() == []


def _page(client: Client, offset: int) -> list[dict[str, int]]:
    page = client.http.get("/courses", params={"limit": 500, "offset": offset}).json()
    assert isinstance(page, list)
    return page


def test_a_deleted_course_is_gone(client: Client) -> None:
    """DELETE answers 204, then nothing knows the course, and its code is free."""
    course = client.course()
    path = f"/courses/{course['id']}"
    client.http.get(path)
    assert client.http.delete(path).status_code == 204
    problem(client.http.get(path), 404, "course-not-found")
    problem(client.http.delete(path), 404, "course-not-found")
    problem(client.http.get(f"{path}/seats"), 404, "course-not-found")
    client.made("/courses", {"name": "Again", "code": course["code"], "capacity": 1})


def test_what_enrolled_students_need_is_kept(client: Client) -> None:
    """A course with a taken seat can be neither deleted nor made smaller than that."""
    course, student = client.course(capacity=2), client.student()
    enrollment = client.enrolled(student["id"], course["id"])
    path = f"/courses/{course['id']}"
    problem(client.http.delete(path), 409, "course-in-use")
    problem(client.http.patch(path, json={"capacity": 0}), 409, "capacity-below-taken")
    assert json_object(client.http.patch(path, json={"capacity": 1}))["capacity"] == 1
    client.http.delete(f"/enroll/{enrollment['id']}")
    assert client.http.delete(path).status_code == 204


def test_seats_are_read_past_every_cache(client: Client) -> None:
    """The seats of a course are told as the database has them, for nobody to store."""
    course = client.course(capacity=3)
    response = client.http.get(f"/courses/{course['id']}/seats")
    assert response.json() == {"course_id": course["id"], "capacity": 3, "taken": 0, "free": 3}
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"capacity": -1}, {"body.capacity"}),
        ({"capacity": "10"}, {"body.capacity"}),
        ({"capacity": True}, {"body.capacity"}),
        ({"capacity": 10**30}, {"body.capacity"}),
        ({"name": ""}, {"body.name"}),
        ({"name": "a\x00b"}, {"body.name"}),
        ({"name": "\ud800"}, {"body.name"}),
        ({"code": "not a code", "name": "x" * 201}, {"body.code", "body.name"}),
        ({"prerequisites": ["ok", "not ok"]}, {"body.prerequisites.1"}),
        ({"prerequisites": [f"C{n}" for n in range(21)]}, {"body.prerequisites"}),
        ({"color": "red"}, {"body.color"}),
    ],
)
def test_every_invalid_field_is_named(client: Client, change: dict[str, object], fields: set[str]) -> None:
    """422 names each field that is wrong, and repeats no value."""
    body = {"name": "Web Systems", "code": unique_code(), "capacity": 1, "prerequisites": []} | change
    found = problem(client.http.post("/courses", content=json.dumps(body), headers={"Content-Type": "application/json"}), 422, "invalid")
    assert {error["field"] for error in found["errors"]} == fields


@pytest.mark.parametrize("patch", [{}, {"name": None}])
def test_a_patch_must_change_something(client: Client, patch: dict[str, object]) -> None:
    """An empty patch and a null are refused."""
    problem(client.http.patch(f"/courses/{client.course()['id']}", json=patch), 422, "invalid")

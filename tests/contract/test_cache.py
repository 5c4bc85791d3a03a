"""Reads through the cache: fast, and never older than an acknowledged write."""

from __future__ import annotations

from functools import partial

import pytest

from infra.deployment import Deployment
from tests.contract.client import Client, at_once, eventually


@pytest.fixture(autouse=True)
def _cache_is_on(lab: Deployment) -> None:
    assert lab.topology.cache.enabled


def test_a_read_is_answered_by_the_cache_the_second_time(client: Client) -> None:
    """X-Cache tells a miss from a hit, and both have the same bytes."""
    for path in (f"/courses/{client.course()['id']}", f"/students/{client.student()['id']}"):
        first, second = client.http.get(path), client.http.get(path)
        assert (first.headers["x-cache"], second.headers["x-cache"]) == ("miss", "hit")
        assert first.content == second.content


def test_a_writer_reads_its_own_write(client: Client) -> None:
    """After each acknowledged write the next read has it, over many rounds and with other readers at work."""
    course, student = client.course(capacity=1), client.student()

    def write_and_read(path: str, field: str, values: list[object]) -> None:
        for value in values:
            assert client.http.patch(path, json={field: value}).is_success
            assert client.http.get(path).json()[field] == value

    def read(path: str) -> None:
        for _ in range(100):
            client.http.get(path)

    paths = [f"/courses/{course['id']}", f"/students/{student['id']}"]
    at_once(
        [
            partial(write_and_read, paths[0], "capacity", list(range(2, 42))),
            partial(write_and_read, paths[1], "completed_courses", [[f"C{number}"] for number in range(40)]),
            *(partial(read, path) for path in paths * 3),
        ]
    )


def test_a_version_never_goes_back(client: Client) -> None:
    """Readers beside a writer see versions that only rise, for each of them."""
    path = f"/courses/{client.course()['id']}"

    def write() -> list[int]:
        return [client.http.patch(path, json={"capacity": number}).json()["version"] for number in range(1, 60)]

    def read() -> list[int]:
        return [client.http.get(path).json()["version"] for _ in range(150)]

    for versions in at_once([write, read, read, read]):
        assert versions == sorted(versions)


def test_a_list_has_what_was_just_written(client: Client) -> None:
    """A page is outdated by a new entry, a change and a deletion."""
    course = client.course()
    path = f"/courses?code={course['code']}"
    assert client.http.get(path).json() == [course]
    assert client.http.get(path).headers["x-cache"] == "hit"
    changed = client.http.patch(f"/courses/{course['id']}", json={"name": "Changed"}).json()
    assert client.http.get(path).json() == [changed]
    client.http.delete(f"/courses/{course['id']}")
    assert client.http.get(path).json() == []
    again = client.made("/courses", {"name": "Again", "code": course["code"], "capacity": 1})
    assert client.http.get(path).json() == [again]


def test_a_cold_key_is_loaded_and_then_cached_for_everybody(client: Client) -> None:
    """Simultaneous readers of a cold key all get the same bytes, and afterwards it is cached."""
    path = f"/students/{client.student()['id']}"
    answers = at_once([partial(client.http.get, path)] * 16)
    assert len({answer.content for answer in answers}) == 1
    eventually(lambda: client.http.get(path).headers["x-cache"], lambda state: state == "hit")

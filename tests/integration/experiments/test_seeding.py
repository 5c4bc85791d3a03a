"""Seeding through a real HTTP connection, against a stand-in for the two services that can misbehave."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from experiments.definition import Dataset
from experiments.population import Population, generate
from experiments.seeding import SeedError, seed

POPULATION = generate(Dataset(courses=30, students=60), 1)


class Api(ThreadingHTTPServer):
    """Rows by path, and the answers that are lost or refused on purpose."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.rows: dict[str, dict[str, dict[str, Any]]] = {"/courses": {}, "/students": {}}
        self.failures_left = 0
        """Requests that are carried out, alternately answered with 503 or not at all."""

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_port}"

    def create(self, path: str, request_id: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Like the services: the same X-Request-Id with the same body gives the row of the first time."""
        rows = self.rows[path]
        key = f"{request_id} {json.dumps(body, sort_keys=True)}"
        if key not in rows:
            if path == "/courses" and any(row["code"] == body["code"] for row in rows.values()):
                return 409, {"title": "code taken"}
            rows[key] = {"id": 1000 + len(rows), **body}
        return 201, rows[key]


class Handler(BaseHTTPRequestHandler):
    """POST creates, GET finds a course by its code."""

    protocol_version = "HTTP/1.1"
    server: Api
    refused: ClassVar[str] = "Refused"

    def do_POST(self) -> None:
        """Create a row."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if body["name"] == self.refused:
            self._answer(422, {"title": "no such name"})
            return
        with self.server.lock:
            status, row = self.server.create(self.path, self.headers["X-Request-Id"], body)
            self.server.failures_left -= 1
            failures_left = self.server.failures_left
        if failures_left < 0:
            self._answer(status, row)
        elif failures_left % 2:
            self._answer(503, {"title": "away"})
        else:
            self.close_connection = True

    def do_GET(self) -> None:
        """Find a course."""
        (code,) = parse_qs(urlsplit(self.path).query)["code"]
        self._answer(200, [row for row in self.server.rows["/courses"].values() if row["code"] == code])

    def _answer(self, status: int, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


@pytest.fixture(name="api")
def _api() -> Iterator[Api]:
    with Api() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _silent(_: str) -> None:
    """Note nothing."""


def test_the_ids_are_those_of_the_rows_in_order_of_popularity(api: Api) -> None:
    """The k-th id is that of the k-th course or student of the population."""
    seeded = seed(api.url, POPULATION, note=_silent)
    courses = {row["id"]: row["code"] for row in api.rows["/courses"].values()}
    students = {row["id"]: (row["name"], tuple(row["completed_courses"])) for row in api.rows["/students"].values()}
    assert [courses[identity] for identity in seeded.course_ids] == [course.code for course in POPULATION.courses]
    wanted = [(student.name, student.completed_courses) for student in POPULATION.students]
    assert [students[identity] for identity in seeded.student_ids] == wanted


def test_lost_answers_double_nothing(api: Api) -> None:
    """Requests whose answer is lost or says 503 are sent again, and every row is there once."""
    api.failures_left = 20
    seeded = seed(api.url, POPULATION, note=_silent)
    assert len(api.rows["/courses"]) == len(set(seeded.course_ids)) == 30
    assert len(api.rows["/students"]) == len(set(seeded.student_ids)) == 60


def test_seeding_again_finds_what_is_there(api: Api) -> None:
    """The same population seeded twice is there once, with the same ids."""
    assert seed(api.url, POPULATION, note=_silent) == seed(api.url, POPULATION, note=_silent)
    assert len(api.rows["/students"]) == 60


def test_a_course_that_somebody_else_created_alike_is_used(api: Api) -> None:
    """A code that is taken by a course with the same data is that course."""
    first = POPULATION.courses[0]
    _, row = api.create(
        "/courses",
        "by-hand",
        {"code": first.code, "name": first.name, "capacity": first.capacity, "prerequisites": list(first.prerequisites)},
    )
    assert seed(api.url, POPULATION, note=_silent).course_ids[0] == row["id"]


def test_a_course_with_other_data_is_refused(api: Api) -> None:
    """A code that is taken by another course ends in an error that says how to start from nothing."""
    api.create("/courses", "by-hand", {"code": POPULATION.courses[0].code, "name": "Other", "capacity": 1, "prerequisites": []})
    with pytest.raises(SeedError, match=f"{POPULATION.courses[0].code} is there already.*--volumes"):
        seed(api.url, POPULATION, note=_silent)


def test_a_refused_row_is_named(api: Api) -> None:
    """A row that the service finds invalid ends in an error with the service's own words."""
    refused = Population(courses=POPULATION.courses, students=(*POPULATION.students, type(POPULATION.students[0])("Refused", ())))
    with pytest.raises(SeedError, match=r"student 60 \(Refused\) was refused with 422.*no such name"):
        seed(api.url, refused, note=_silent)


def test_nobody_listening_is_said_clearly() -> None:
    """After some seconds of attempts the error names the address and where to look."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        port = server.server_port
    with pytest.raises(SeedError, match=f"127.0.0.1:{port}/courses: .*refused.*infra status"):
        seed(f"http://127.0.0.1:{port}", POPULATION, note=_silent)


def test_progress_is_told(api: Api) -> None:
    """The first note says what will be created, the last how long it took."""
    notes: list[str] = []
    seed(api.url, POPULATION, note=notes.append)
    assert notes[0] == "seeding 30 courses and 60 students"
    assert notes[-1].startswith("seeded in ")

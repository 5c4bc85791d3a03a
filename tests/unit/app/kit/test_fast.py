"""The thin layer in front of the framework: the same answers as through it, and everything unusual falls through."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel

from app.kit.application import Application
from app.kit.errors import NotFoundError
from app.kit.fast import FastPath, FastRequest, Reply
from app.kit.health import Health
from app.kit.http import plain_id, plain_page
from app.kit.metrics import Metrics


class Body(BaseModel):
    """What the echo takes."""

    word: str


def _router() -> APIRouter:
    router = APIRouter()

    @router.get("/things/{thing_id}")
    async def get(thing_id: str) -> Response:
        return Response(f"framework {thing_id}")

    @router.delete("/things/{thing_id}")
    async def delete(thing_id: str) -> Response:
        return Response(f"framework {thing_id}")

    @router.post("/echo")
    async def echo(body: Body) -> Response:
        return Response(f"framework {body.word}")

    return router


async def _get(request: FastRequest) -> Reply | None:
    match plain_id(request, "/things/"):
        case None:
            return None
        case 404:
            raise NotFoundError("no such thing")
        case 500:
            raise LookupError("secret")
        case number:
            return Reply(200, f"fast {number}".encode(), ((b"x-cache", b"hit"),))


async def _echo(request: FastRequest) -> Reply | None:
    body = await request.body()
    return Reply(202, b"fast " + body) if body is not None and body.startswith(b"{") else None


class Client:
    """Sends single requests to the application, in this process."""

    def __init__(self, application: Application) -> None:
        self._transport = httpx.ASGITransport(application)

    def send(self, method: str, path: str, **content: Any) -> httpx.Response:
        """The answer to one request."""

        async def once() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport, base_url="http://test") as client:
                return await client.request(method, path, **content)

        return asyncio.run(once())


@pytest.fixture
def client() -> Client:
    """A client of an application with two fast paths."""
    metrics = Metrics()
    paths = (FastPath("GET", "/things/", "/things/{thing_id}", _get), FastPath("POST", "/echo", "/echo", _echo))
    application = Application(
        title="test", replica="test-1", health=Health({}), metrics=metrics, parts=[], routers=[_router()], fast_paths=paths
    )
    return Client(application)


def test_a_plain_request_is_answered_the_fast_way(client: Client) -> None:
    """Its answer carries what every answer carries, and is counted under its route."""
    answer = client.send("GET", "/things/7", headers={"X-Request-Id": "mine"})
    assert (answer.status_code, answer.text) == (200, "fast 7")
    assert {key: answer.headers[key] for key in ("x-replica", "x-request-id", "x-cache", "content-type", "content-length")} == {
        "x-replica": "test-1",
        "x-request-id": "mine",
        "x-cache": "hit",
        "content-type": "application/json",
        "content-length": "6",
    }
    assert 'spire_requests_total{method="GET",route="/things/{thing_id}",status="200"} 1.0' in client.send("GET", "/metrics").text


@pytest.mark.parametrize(
    "path", ["/things/x", "/things/007", "/things/7?a=1", "/things/0", "/things/99999999999", "/things/%37x", "/things/\u0667"]
)
def test_an_unusual_address_falls_through(client: Client, path: str) -> None:
    """The framework answers what is no plain id."""
    assert client.send("GET", path).text.startswith("framework ")


def test_another_method_falls_through(client: Client) -> None:
    """The framework refuses it, and names the methods that are possible."""
    refused = client.send("PUT", "/things/7")
    assert (refused.status_code, refused.headers["allow"]) == (405, "DELETE, GET")


def test_errors_are_problem_details(client: Client) -> None:
    """A problem is told as everywhere; of a mistake of ours nothing is told."""
    missing = client.send("GET", "/things/404")
    assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")
    assert missing.json()["type"] == "urn:spire:problem:not-found"
    failed = client.send("GET", "/things/500")
    assert (failed.status_code, failed.json()["type"]) == (500, "urn:spire:problem:internal")
    assert "secret" not in failed.text


def test_a_body_that_falls_through_is_read_again(client: Client) -> None:
    """The framework sees the whole body that the fast path has looked at."""
    assert client.send("POST", "/echo", json={"word": "a"}).text == 'fast {"word":"a"}'
    assert client.send("POST", "/echo", content=b' {"word":"a"}', headers={"Content-Type": "application/json"}).text == "framework a"


def test_a_body_of_unknown_length_or_type_falls_through(client: Client) -> None:
    """Only what is announced as short JSON is read here."""

    async def chunks() -> AsyncIterator[bytes]:
        yield b'{"word":'
        yield b'"a"}'

    assert client.send("POST", "/echo", content=chunks(), headers={"Content-Type": "application/json"}).text == "framework a"
    assert (
        client.send("POST", "/echo", content=b'{"word":"a"}', headers={"Content-Type": "application/json; charset=utf-8"}).text
        == "framework a"
    )


@pytest.mark.parametrize(
    ("query", "window"),
    [
        (b"", (100, 0)),
        (b"limit=20", (20, 0)),
        (b"limit=20&offset=40", (20, 40)),
        (b"limit=500&offset=10000000", (500, 10_000_000)),
        (b"limit=0", None),
        (b"limit=501", None),
        (b"limit=1&offset=10000001", None),
        (b"offset=5", None),
        (b"limit=5&code=A", None),
        (b"limit=%35", None),
    ],
)
def test_a_plain_page_is_within_the_bounds_of_the_endpoint(query: bytes, window: tuple[int, int] | None) -> None:
    """What the endpoint would refuse, or read in another way, is not plain."""

    async def receive() -> Any:
        raise AssertionError("a GET has no body to read")

    request = FastRequest({"path": "/things", "query_string": query, "headers": []}, receive)
    assert plain_page(request) == window

"""The floor of what a request can cost stands on the product's own server."""

from __future__ import annotations

import ast
import asyncio
from pathlib import Path
from typing import Any

from app.kit import server
from experiments.baselines import hello

OF_ITS_OWN = {"host", "port", "lifespan", "timeout_graceful_shutdown"}
"""It has nothing to start, and nothing to drain."""


def options(module: Any) -> dict[str, object]:
    """What a module gives uvicorn.Config, names resolved in that module."""
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "uvicorn.Config"]
    assert len(calls) == 1
    given = {keyword.arg: keyword.value for keyword in calls[0].keywords if keyword.arg and keyword.arg not in OF_ITS_OWN}
    return {
        name: getattr(module, value.id) if isinstance(value, ast.Name) else value.value if isinstance(value, ast.Constant) else None
        for name, value in given.items()
    }


def test_hello_runs_with_the_products_server_options() -> None:
    """What differs in a measurement is what stands behind the server."""
    assert options(hello) == options(server)
    assert options(hello)["http"] == "httptools"


def test_hello_is_one_complete_answer() -> None:
    """Two messages, with the length of the body announced."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("it reads nothing")

    asyncio.run(hello.hello({"type": "http"}, receive, send))
    start, body = sent
    assert start["status"] == 200
    assert dict(start["headers"])[b"content-length"] == str(len(body["body"])).encode()

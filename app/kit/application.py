"""A FastAPI application out of its parts, the same way for each service and worker."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from typing import Any, Protocol

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.types import Receive, Scope, Send

from app.kit.errors import Problem, header_descriptions
from app.kit.fast import FastLayer, FastPath
from app.kit.health import Health, health_router
from app.kit.metrics import Metrics
from app.kit.middleware import RequestFrame
from app.kit.problems import install

EVERY_ANSWERS_HEADERS = header_descriptions({"X-Replica": "the node that answered", "X-Request-Id": "of the request, as it came or new"})


class Part(Protocol):
    """What runs beside the requests: started before the first, stopped after the last."""

    def start(self) -> None:
        """Begin, without waiting for anything."""
        ...

    def stop(self) -> Awaitable[None] | None:
        """End within a few seconds; harmless if it has not begun. What lives on the event loop gives an awaitable that does so."""
        ...


class Application(FastAPI):
    """The ASGI application together with what its server has to tell when it stops."""

    def __init__(
        self,
        *,
        title: str,
        replica: str,
        health: Health,
        metrics: Metrics,
        parts: Sequence[Part],
        routers: Sequence[APIRouter] = (),
        fast_paths: Sequence[FastPath] = (),
    ) -> None:
        """``parts`` are started in order and stopped in reverse; each of ``fast_paths`` has its endpoint among ``routers``."""

        @contextlib.asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncIterator[None]:
            async with contextlib.AsyncExitStack() as stack:
                for part in parts:
                    part.start()
                    stack.push_async_callback(_stop, part)
                yield

        super().__init__(title=title, docs_url=None, redoc_url=None, lifespan=lifespan)
        self.health = health
        self._fast = FastLayer(fast_paths, replica=replica, metrics=metrics)
        included = (*routers, health_router(health, metrics))
        for router in included:
            self.include_router(router)
        install(self, included)
        self.add_middleware(RequestFrame, replica=replica, metrics=metrics)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a connection: the fast way where the request is plain, else through the framework."""
        if scope["type"] == "http" and (path := self._fast.find(scope)) is not None:
            unread = await self._fast.answer(path, scope, receive, send)
            if unread is None:
                return
            receive = unread
        await super().__call__(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """The framework's description, with the schema of our errors in place of its own, and the headers that every answer has."""
        if self.openapi_schema is None:
            schema = get_openapi(title=self.title, version="1", routes=self.routes)
            schemas = schema.setdefault("components", {}).setdefault("schemas", {})
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
            problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas |= {**problem.pop("$defs"), "Problem": problem}
            for response in _responses(schema):
                response["headers"] = EVERY_ANSWERS_HEADERS | response.get("headers", {})
            self.openapi_schema = schema
        return self.openapi_schema


def _responses(description: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in description["paths"].values():
        for operation in path.values():
            yield from operation["responses"].values()


async def _stop(part: Part) -> None:
    stopped = part.stop()
    if stopped is not None:
        await stopped

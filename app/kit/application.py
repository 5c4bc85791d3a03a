"""A FastAPI application out of its parts, the same way for each service and worker."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol

import anyio.to_thread
from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi

from app.kit.errors import Problem
from app.kit.health import Health, health_router
from app.kit.metrics import Metrics
from app.kit.middleware import RequestFrame
from app.kit.problems import install


class Part(Protocol):
    """What runs beside the requests: started before the first, stopped after the last."""

    def start(self) -> None:
        """Begin, without waiting for anything."""
        ...

    def stop(self) -> None:
        """End within a few seconds; harmless if it has not begun."""
        ...


class Application(FastAPI):
    """The ASGI application together with what its server has to tell when it stops."""

    def __init__(
        self,
        *,
        title: str,
        replica: str,
        threads: int,
        health: Health,
        metrics: Metrics,
        parts: Sequence[Part],
        routers: Sequence[APIRouter] = (),
    ) -> None:
        """``parts`` are started in order and stopped in reverse."""

        @contextlib.asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncIterator[None]:
            anyio.to_thread.current_default_thread_limiter().total_tokens = threads
            with contextlib.ExitStack() as stack:
                for part in parts:
                    part.start()
                    stack.callback(part.stop)
                yield

        super().__init__(title=title, docs_url=None, redoc_url=None, lifespan=lifespan)
        self.health = health
        for router in (*routers, health_router(health, metrics)):
            self.include_router(router)
        install(self)
        self.add_middleware(RequestFrame, replica=replica, metrics=metrics)

    def openapi(self) -> dict[str, Any]:
        """The framework's description, with the schema of our errors in place of its own."""
        if self.openapi_schema is None:
            schema = get_openapi(title=self.title, version="1", routes=self.routes)
            schemas = schema.setdefault("components", {}).setdefault("schemas", {})
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
            problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas |= {**problem.pop("$defs"), "Problem": problem}
            self.openapi_schema = schema
        return self.openapi_schema

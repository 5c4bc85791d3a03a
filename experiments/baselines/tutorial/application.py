"""What the three services and the worker have in common: the application, its health endpoints, its server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI
from sqlmodel import text
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from experiments.baselines.tutorial.database import SessionDep, create_tables
from experiments.baselines.tutorial.settings import settings


class ReplicaHeader:
    """Sends the replica's name with each answer, by which the lab tells replicas apart."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Replica"] = settings.replica
            await send(message)

        await self.app(scope, receive, send_named if scope["type"] == "http" else send)


def create_app(title: str, on_start: Callable[[], None] = lambda: None) -> FastAPI:
    """An application whose tables exist once it serves."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        create_tables()
        on_start()
        yield

    app = FastAPI(title=title, lifespan=lifespan)
    app.add_middleware(ReplicaHeader)

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/readyz")
    def readyz(session: SessionDep) -> dict[str, str]:
        session.connection().execute(text("SELECT 1"))
        return {"status": "ready"}

    return app


def serve(app: FastAPI, port: int) -> None:
    """Run it until SIGTERM; without access log, as the product, so that writing one is no part of what is compared."""
    uvicorn.run(app, host=settings.host, port=port, access_log=False)

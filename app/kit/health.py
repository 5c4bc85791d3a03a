"""The three questions that an operator asks of any process: alive, ready, and how is it doing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import anyio
import anyio.to_thread
from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from app.kit.errors import ProblemError, UnavailableError, described
from app.kit.metrics import Metrics

CHECK_VALID_S = 0.5
"""Checks are not repeated sooner: many pollers must not become load on the dependencies."""


class Health:
    """Whether this process can serve."""

    def __init__(self, checks: Mapping[str, Callable[[], None]]) -> None:
        """``checks`` maps dependencies to functions that raise a ProblemError while the dependency is away."""
        self._checks = checks
        self.draining = False
        self._checked_s = float("-inf")
        self._failures: dict[str, str] = {}

    def drain(self) -> None:
        """Say not ready from now on, so that no new request is sent here."""
        self.draining = True

    def check(self) -> None:
        """Return if this process can serve.

        Raises:
            UnavailableError: it is stopping, or a dependency is away.
        """
        if self.draining:
            raise UnavailableError("this replica is stopping")
        if time.monotonic() - self._checked_s > CHECK_VALID_S:
            self._failures = self._run_checks()
            self._checked_s = time.monotonic()
        if self._failures:
            raise UnavailableError("; ".join(f"{name}: {detail}" for name, detail in self._failures.items()))

    def _run_checks(self) -> dict[str, str]:
        failures = {}
        for name, check in self._checks.items():
            try:
                check()
            except ProblemError as error:
                failures[name] = error.detail
        return failures


def health_router(health: Health, metrics: Metrics) -> APIRouter:
    """/healthz, /readyz and /metrics; they answer even while every thread for requests is busy."""
    router = APIRouter(tags=["operation"])
    limiter = anyio.CapacityLimiter(1)

    @router.get("/healthz", summary="Alive")
    async def healthz() -> JSONResponse:
        return JSONResponse({"status": "alive"})

    @router.get("/readyz", summary="Can serve: its dependencies answer", responses=described(UnavailableError))
    async def readyz() -> JSONResponse:
        await anyio.to_thread.run_sync(health.check, limiter=limiter)
        return JSONResponse({"status": "ready"})

    @router.get("/metrics", summary="Prometheus metrics", response_class=PlainTextResponse)
    async def metrics_() -> Response:
        return Response(metrics.text(), media_type=metrics.content_type)

    return router

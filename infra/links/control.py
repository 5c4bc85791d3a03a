"""The control side of the proxy: what its links are, and how they are changed, over HTTP."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as HttpRoute

from infra.links.conditions import NORMAL, Conditions
from infra.links.proxy import Link

TOKEN_HEADER = "X-Link-Token"  # noqa: S105 - a header's name


class LinkControl:
    """What may be asked of the links."""

    def __init__(self, links: Mapping[str, Link], token: str) -> None:
        """``token`` must come with every request."""
        self._links = links
        self._token = token

    def app(self) -> Starlette:
        """``GET /links``; ``PUT /links/{name}`` with :class:`Conditions`; ``DELETE /links`` makes all of them normal."""
        return Starlette(
            routes=[
                HttpRoute("/healthz", self._healthz),
                HttpRoute("/links", self._known(self._states)),
                HttpRoute("/links", self._known(self._heal), methods=["DELETE"]),
                HttpRoute("/links/{name}", self._known(self._change), methods=["PUT"]),
            ]
        )

    async def _healthz(self, _: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def _states(self, _: Request) -> Response:
        return JSONResponse([link.state.model_dump(mode="json") for link in self._links.values()])

    async def _change(self, request: Request) -> Response:
        link = self._links.get(request.path_params["name"])
        if link is None:
            return JSONResponse({"detail": f"there is no link {request.path_params['name']!r}"}, HTTPStatus.NOT_FOUND)
        try:
            conditions = Conditions.model_validate_json(await request.body())
        except ValidationError as error:
            return JSONResponse({"detail": str(error)}, HTTPStatus.UNPROCESSABLE_ENTITY)
        await link.set(conditions)
        return JSONResponse(link.state.model_dump(mode="json"))

    async def _heal(self, request: Request) -> Response:
        for link in self._links.values():
            await link.set(NORMAL)
        return await self._states(request)

    def _known(self, handle: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def checked(request: Request) -> Response:
            if not secrets.compare_digest(request.headers.get(TOKEN_HEADER, ""), self._token):
                return JSONResponse({"detail": f"{TOKEN_HEADER} is missing or wrong"}, HTTPStatus.FORBIDDEN)
            return await handle(request)

        return checked

"""Serves dynamic resources to the Pulumi CLI: the SDK's own server, but for what would hang or confuse here.

Of its own it works on four resources at a time, and four services that wait for their database would keep that database from
being started; it does not pass on that the CLI was interrupted; and it shows a user's mistake as a traceback.
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from infra.errors import InfraError
from infra.stack.hosting import end_with_parent
from infra.targets.process.resources import CANCELLED

_THREADS = 64
"""Resources that may be waited for at the same time."""


class _Calls(grpc.ServerInterceptor):  # type: ignore[misc]  # gRPC ships no types
    """Sees each call of the CLI before the SDK does."""

    def intercept_service(self, continuation: Callable[[Any], Any], details: Any) -> Any:
        """Give up waiting where the CLI was interrupted; shorten what is said of errors."""
        handler = continuation(details)
        if details.method.endswith("/Cancel"):
            CANCELLED.set()
        if handler is None or handler.unary_unary is None:
            return handler
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: handler.unary_unary(request, _Context(context)),
            handler.request_deserializer,
            handler.response_serializer,
        )


class _Context:
    """A call's context, that aborts with an error's sentence where it has one."""

    def __init__(self, context: Any) -> None:
        self._context = context

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def abort(self, code: Any, details: str) -> None:
        """End the call; the SDK does so while it handles the error."""
        error = sys.exc_info()[1]
        self._context.abort(code, str(error) if isinstance(error, InfraError) else details)


def main() -> None:
    """Serve until the CLI ends."""
    end_with_parent()
    make_server = grpc.server

    def server(_pool: ThreadPoolExecutor, *, options: Sequence[Any]) -> Any:
        return make_server(ThreadPoolExecutor(_THREADS), interceptors=[_Calls()], options=options)

    grpc.server = server
    runpy.run_module("pulumi.dynamic", run_name="__main__")


if __name__ == "__main__":
    main()

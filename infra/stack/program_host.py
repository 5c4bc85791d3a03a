"""Runs the stack's program for the Pulumi CLI, in the lab's interpreter: the SDK's host of inline programs, as a process."""

from __future__ import annotations

import contextlib
import runpy
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from pulumi.automation._server import LanguageServer
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

from infra.stack.hosting import end_with_parent

_THREADS = 4
_UNLIMITED = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


class _Host(LanguageServer):
    """Knows the engine that started it, which an inline program is told by the caller."""

    def __init__(self, engine: str) -> None:
        super().__init__(_program)
        self._engine = engine

    def Run(self, request: Any, context: Any) -> Any:  # noqa: N802 - the name is Pulumi's
        """Run the program; what went wrong has been logged then, and is not to be said twice."""
        request.args[:] = [self._engine]
        response = super().Run(request, context)  # type: ignore[no-untyped-call]
        return language_pb2.RunResponse(bail=True) if response.error else response


def _program() -> None:
    runpy.run_module("infra.stack", run_name="__main__")


def main(arguments: list[str]) -> None:
    """Serve until the CLI ends; the engine's address is the last of the arguments."""
    end_with_parent()
    server = grpc.server(ThreadPoolExecutor(_THREADS), options=_UNLIMITED)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(_Host(arguments[-1]), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    with contextlib.suppress(KeyboardInterrupt):  # how the CLI ends its plugins
        threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1:])

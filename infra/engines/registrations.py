"""Takes the registrations of a Pulumi program that runs in this process, one resource at a time, by the SDK's hook for mocks."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from pulumi.runtime import mocks, rpc

from infra.engines.program import ONE_PROGRAM_AT_A_TIME, Program, run_program
from infra.engines.state import Record
from infra.errors import CancelledError

_LOOK_INTERVAL_S = 0.02
_PROVIDER_PROPERTY = "__provider"
_SECRET_SIGNATURE = "4dabf18193072939515e22adb298388d"  # noqa: S105 - Pulumi's mark of a wrapped value, no secret


class Execution(ABC):
    """One run of a program."""

    def __init__(self, cancelled: threading.Event, *, preview: bool = False) -> None:
        self.registered: set[str] = set()
        """Names in the state of the resources that the program has registered."""
        self.cancelled = cancelled
        self._preview = preview
        self._failure: BaseException | None = None

    @abstractmethod
    def converge(self, wanted: Record) -> Record:
        """Bring one resource to what is registered: ``wanted`` has the inputs as its properties."""

    def execute(self, stack: str, program: Program) -> dict[str, Any]:
        """Run the program in a thread of its own, with an event loop of its own, so that Ctrl-C reaches us; what it returned."""
        outputs: dict[str, Any] = {}
        over = threading.Event()  # a join that Ctrl-C has ended takes the thread for ended too, and the next one waits no more

        def work() -> None:
            try:
                outputs.update(run_program(program, _Monitor(_Hook(), self._step), stack, preview=self._preview))
            except BaseException as error:  # noqa: BLE001 - raised again below, in the caller's thread
                self._failure = self._failure or error
            finally:
                over.set()

        thread = threading.Thread(target=work, name="pulumi-program")
        with ONE_PROGRAM_AT_A_TIME:
            thread.start()
            try:
                _await(over)
            except BaseException:
                self.cancelled.set()
                _await(over)
                raise
        if self._failure is not None:
            raise self._failure
        return outputs

    def _step(self, wanted: Record) -> Record:
        self.registered.add(wanted.urn)
        try:
            return self.converge(wanted)
        except BaseException as error:
            if self._failure is None or isinstance(self._failure, CancelledError):
                self._failure = error
            self.cancelled.set()
            raise


def _await(over: threading.Event) -> None:
    """Return when it is set; looks again and again, for Ctrl-C.

    A wait without an end sleeps through a signal that comes just before it, until the next one, and ``Event.wait`` is written in
    Python: an exception in the middle of it leaves its lock in disorder.
    """
    while not over.is_set():
        time.sleep(_LOOK_INTERVAL_S)


class _Monitor(mocks.MockMonitor):
    """Takes the registrations of the SDK; only resources with a provider concern us."""

    def __init__(self, hook: _Hook, step: Callable[[Record], Record]) -> None:
        super().__init__(hook)
        hook.step = self._step
        self._take = step
        self._requests: dict[tuple[str, str], tuple[str, Any]] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the name is Pulumi's
        """Remember what the hook is not told: the name in the state, the dependencies, and what is not known yet."""
        urn = self.make_urn(request.parent, request.type, request.name)
        self._requests[request.type, request.name] = (urn, request)
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]

    def _step(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        urn, request = self._requests[args.typ, args.name]
        given = rpc.deserialize_properties(request.object, keep_unknowns=True)
        inputs = {key: _unwrapped(value) for key, value in given.items() if key != _PROVIDER_PROPERTY}
        done = self._take(Record(urn=urn, type=args.typ, id="", properties=inputs, dependencies=tuple(request.dependencies)))
        return done.id, done.properties


class _Hook(mocks.Mocks):
    """What the SDK calls for each registration."""

    step: Callable[[mocks.MockResourceArgs], tuple[str, dict[str, Any]]]

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        """Create, update or replace a resource; a component has nothing to create."""
        return self.step(args) if args.custom else ("", {})

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        """No function of a provider is known here."""
        raise NotImplementedError(args.token)


def _unwrapped(value: Any) -> Any:
    """A property without Pulumi's wrapping of secrets, which the state file's mode makes up for."""
    if isinstance(value, Mapping):
        if _SECRET_SIGNATURE in value:
            return _unwrapped(value["value"])
        return {key: _unwrapped(item) for key, item in value.items()}
    return [_unwrapped(item) for item in value] if isinstance(value, list) else value

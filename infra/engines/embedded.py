"""Runs a Pulumi program inside this process: the SDK's mocks hook takes the place of the CLI.

Each registration calls the same provider that the CLI would call, by the same rules: what is new is created, what differs
is updated or replaced, what is no longer registered is deleted, dependants first. See :func:`pulumi.runtime.set_mocks`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from pulumi.dynamic import ResourceProvider
from pulumi.runtime import mocks

from infra.engines.program import Program, run_program
from infra.engines.state import Record, StateFile
from infra.errors import CancelledError, InfraError

_PROVIDER_PROPERTY = "__provider"
_SECRET_SIGNATURE = "4dabf18193072939515e22adb298388d"  # noqa: S105 - Pulumi's mark of a wrapped value, no secret
_THREADS = 64
"""Resources that may be looked at or deleted at the same time."""
_ONE_PROGRAM_AT_A_TIME = threading.Lock()
"""Pulumi's settings are global to the process."""


class EmbeddedEngine:
    """The resources of one stack, their providers, and the file that remembers them."""

    name = "embedded"

    def __init__(self, stack: str, state_file: Path, providers: Mapping[str, ResourceProvider], cancelled: threading.Event) -> None:
        self._stack = stack
        self._state = StateFile(state_file)
        self._providers = providers
        self._cancelled = cancelled

    def up(self, program: Program) -> dict[str, Any]:
        """Make everything as the program says, and nothing else; what it returned.

        On Ctrl-C and on a failure the resources that are being made are given up; those that are there stay recorded.

        Raises:
            InfraError: the first failure of a provider.
        """
        self._settle()
        self._state.set_outputs(None)
        run = _Run(self._state, self._providers, self._cancelled)
        outputs = run.execute(self._stack, program)
        self._delete([record for record in self._state.records() if record.superseded or record.urn not in run.registered])
        self._state.set_outputs(outputs)
        return outputs

    def destroy(self) -> None:
        """Delete every resource, dependants first, the rest side by side.

        Raises:
            InfraError: the first failure; the others are deleted all the same.
        """
        self._state.set_outputs(None)
        self._delete(self._state.records())

    def _settle(self) -> None:
        """Forget what has gone since, and what a killed command left half-made."""
        self._delete([record for record in self._state.records() if record.pending])
        records = self._state.records()
        with ThreadPoolExecutor(_THREADS) as pool:
            present = list(pool.map(lambda record: self._providers[record.type].read(record.id, record.properties).id, records))
        for record, found in zip(records, present, strict=True):
            if not found:
                self._state.remove(record)

    def _delete(self, records: Sequence[Record]) -> None:
        left = {id(record): record for record in records}
        failures: list[BaseException] = []
        running: dict[Future[None], int] = {}
        with ThreadPoolExecutor(_THREADS) as pool:
            while left or running:
                needed = {urn for record in (*left.values(),) for urn in record.dependencies}
                busy = set(running.values())
                for key, record in left.items():
                    if key not in busy and (record.urn not in needed):
                        running[pool.submit(self._delete_one, record)] = key
                if not running:
                    break  # what is left is needed by something that would not go
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    key = running.pop(future)
                    error = future.exception()
                    if error is None:
                        del left[key]
                    else:
                        failures.append(error)
                        left = {other: record for other, record in left.items() if other != key}
        if failures:
            raise failures[0]

    def _delete_one(self, record: Record) -> None:
        self._providers[record.type].delete(record.id, record.properties)
        self._state.remove(record)


class _Run:
    """One run of a program."""

    def __init__(self, state: StateFile, providers: Mapping[str, ResourceProvider], cancelled: threading.Event) -> None:
        self.registered: set[str] = set()
        self._state = state
        self._providers = providers
        self._cancelled = cancelled
        self._failure: BaseException | None = None

    def execute(self, stack: str, program: Program) -> dict[str, Any]:
        """Run the program in a thread of its own, with an event loop of its own, so that Ctrl-C reaches us."""
        outputs: dict[str, Any] = {}

        def work() -> None:
            try:
                outputs.update(run_program(program, _Monitor(_Hook(), self.step), stack))
            except BaseException as error:  # noqa: BLE001 - raised again below, in the caller's thread
                self._failure = self._failure or error

        thread = threading.Thread(target=work, name="pulumi-program")
        with _ONE_PROGRAM_AT_A_TIME:
            thread.start()
            try:
                thread.join()
            except BaseException:
                self._cancelled.set()
                thread.join()
                raise
        if self._failure is not None:
            raise self._failure
        return outputs

    def step(self, record: Record) -> Record:
        """Bring one resource to what is registered: ``record`` has the inputs as its properties."""
        self.registered.add(record.urn)
        try:
            return self._converge(record)
        except BaseException as error:
            if self._failure is None or isinstance(self._failure, CancelledError):
                self._failure = error
            self._cancelled.set()
            raise

    def _converge(self, wanted: Record) -> Record:
        if self._cancelled.is_set():
            raise CancelledError(f"gave up before {wanted.urn.rsplit('::', 1)[1]} was made")
        provider = self._providers[wanted.type]
        old = self._state.current(wanted.urn)
        if old is None:
            return self._create(provider, wanted)
        diff = provider.diff(old.id, old.properties, wanted.properties)
        if not diff.changes:
            new = wanted.model_copy(update={"id": old.id, "properties": old.properties})
            self._state.put(new, instead_of=old)
            return new
        if not diff.replaces:
            outputs = provider.update(old.id, old.properties, wanted.properties).outs
            new = wanted.model_copy(update={"id": old.id, "properties": outputs or {}})
            self._state.put(new, instead_of=old)
            return new
        if diff.delete_before_replace:
            provider.delete(old.id, old.properties)
            self._state.remove(old)
        else:
            self._state.put(old.model_copy(update={"superseded": True}), instead_of=old)
        return self._create(provider, wanted)

    def _create(self, provider: ResourceProvider, wanted: Record) -> Record:
        pending = wanted.model_copy(update={"pending": True})
        self._state.put(pending)
        try:
            created = provider.create(wanted.properties)
        except InfraError:
            self._state.remove(pending)  # the provider has cleaned up, as Pulumi asks of it
            raise
        new = wanted.model_copy(update={"id": created.id, "properties": created.outs or {}})
        self._state.put(new, instead_of=pending)
        return new


class _Monitor(mocks.MockMonitor):
    """Takes the registrations of the SDK; only resources with a provider concern us."""

    def __init__(self, hook: _Hook, step: Callable[[Record], Record]) -> None:
        super().__init__(hook)
        hook.step = self._step
        self._take = step
        self._requests: dict[tuple[str, str], tuple[str, tuple[str, ...]]] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the name is Pulumi's
        """Remember what the hook is not told: the name in the state, and the dependencies."""
        urn = self.make_urn(request.parent, request.type, request.name)
        self._requests[request.type, request.name] = (urn, tuple(request.dependencies))
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]

    def _step(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        urn, dependencies = self._requests[args.typ, args.name]
        inputs = {key: _unwrapped(value) for key, value in args.inputs.items() if key != _PROVIDER_PROPERTY}
        done = self._take(Record(urn=urn, type=args.typ, id="", properties=inputs, dependencies=dependencies))
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

"""Runs a Pulumi program inside this process: the SDK's mocks hook takes the place of the CLI.

Each registration calls the same provider that the CLI would call, by the same rules: what is new is created, what differs
is updated or replaced, what is no longer registered is deleted, dependants first. See :func:`pulumi.runtime.set_mocks`.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from pulumi.dynamic import ResourceProvider
from pulumi.output import Unknown

from infra.engines.engine import Action, Change
from infra.engines.program import Program
from infra.engines.registrations import Execution
from infra.engines.state import Record, StateFile
from infra.errors import CancelledError, InfraError

_THREADS = 64
"""Resources that may be looked at or deleted at the same time."""


class EmbeddedEngine:
    """The resources of one stack, their providers, and the file that remembers them."""

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

    def preview(self, program: Program) -> Sequence[Change]:
        """What :meth:`up` would do, and nothing else."""
        there = [record for record, found in self._look() if found and not record.superseded]
        run = _Preview(there, self._providers, self._cancelled)
        run.execute(self._stack, program)
        dropped = (record for record in self._state.records() if record.urn not in run.registered)
        return sorted({*run.changes, *(_change(record, Action.DELETE) for record in dropped)})

    def refresh(self) -> Sequence[Change]:
        """Take note of what went away behind our back; the next :meth:`up` makes it again."""
        return self._settle()

    def destroy(self) -> None:
        """Delete every resource, dependants first, the rest side by side.

        Raises:
            InfraError: the first failure; the others are deleted all the same.
        """
        self._state.set_outputs(None)
        self._delete(self._state.records())

    def outputs(self) -> dict[str, Any] | None:
        """What the program returned when it last ran through; None while it has not."""
        return self._state.outputs

    def _look(self) -> list[tuple[Record, bool]]:
        """Each resource, and whether it is there, whole."""
        records = self._state.records()
        whole = [record for record in records if not record.pending]
        with ThreadPoolExecutor(_THREADS) as pool:
            found = pool.map(lambda record: self._providers[record.type].read(record.id, record.properties).id, whole)
        present = {id(record): bool(found_id) for record, found_id in zip(whole, found, strict=True)}
        return [(record, present.get(id(record), False)) for record in records]

    def _settle(self) -> list[Change]:
        """Forget what has gone since, and what a killed command left half-made; what that was."""
        self._delete([record for record in self._state.records() if record.pending])
        gone = [record for record, found in self._look() if not found]
        for record in gone:
            self._state.remove(record)
        return sorted(_change(record, Action.DELETE) for record in gone)

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


class _Run(Execution):
    """One run of a program that makes what it registers."""

    def __init__(self, state: StateFile, providers: Mapping[str, ResourceProvider], cancelled: threading.Event) -> None:
        super().__init__(cancelled)
        self._state = state
        self._providers = providers

    def converge(self, wanted: Record) -> Record:
        """Create, update, replace or leave it."""
        if self.cancelled.is_set():
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


class _Preview(Execution):
    """One run of a program that makes nothing."""

    def __init__(self, there: Sequence[Record], providers: Mapping[str, ResourceProvider], cancelled: threading.Event) -> None:
        super().__init__(cancelled, preview=True)
        self.changes: set[Change] = set()
        self._there = {record.urn: record for record in there}
        self._providers = providers

    def converge(self, wanted: Record) -> Record:
        """Say what would become of it; of what would be made anew, nothing is known but the inputs."""
        old = self._there.get(wanted.urn)
        if old is not None:
            diff = self._providers[wanted.type].diff(old.id, old.properties, wanted.properties)
            if not diff.changes:
                return wanted.model_copy(update={"id": old.id, "properties": old.properties})
        self.changes.add(_change(wanted, Action.CREATE if old is None else Action.REPLACE if diff.replaces else Action.UPDATE))
        known = {key: value for key, value in wanted.properties.items() if not isinstance(value, Unknown)}
        return wanted.model_copy(update={"properties": known})


def _change(record: Record, action: Action) -> Change:
    return Change(record.type.rsplit(":", 1)[1], record.urn.rsplit("::", 1)[1], action)

"""What the Pulumi CLI tells while it works, as progress, changes and the first error."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

from pulumi.automation import EngineEvent, StepEventMetadata

from infra.engines.engine import Action, Change
from infra.progress import Progress

_COLOUR = re.compile(r"<\{%[^%]*%\}>|\x1b\[[0-9;]*m")
_ACTIONS = {
    "create": Action.CREATE,
    "update": Action.UPDATE,
    "delete": Action.DELETE,
    "replace": Action.REPLACE,
    "create-replacement": Action.REPLACE,
    "delete-replaced": Action.REPLACE,
}
_DONE = {"create": "ready", "create-replacement": "ready", "update": "changed", "delete": "removed"}
_WAITING = {"create": "its creation", "create-replacement": "its replacement", "update": "its update", "delete": "its end"}
_AT_ONCE = ("Port", "Password")
"""Kinds of resources that nobody waits for."""


class Events:
    """Hears the engine's events of one command."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._began: dict[str, float] = {}
        self._planned: set[Change] = set()
        self._drifted: set[Change] = set()
        self.error = ""
        """The first thing that went wrong, as a sentence."""

    @property
    def planned(self) -> Sequence[Change]:
        """What is made to be as the program says."""
        return sorted(self._planned)

    @property
    def drifted(self) -> Sequence[Change]:
        """What was found not to be as it was left."""
        return sorted(self._drifted)

    def hear(self, event: EngineEvent) -> None:
        """Take in one event."""
        if event.resource_pre_event:
            self._begin(event.resource_pre_event.metadata)
        elif event.res_outputs_event:
            self._end(event.res_outputs_event.metadata)
        elif event.diagnostic_event and event.diagnostic_event.severity == "error" and not self.error:
            self.error = _COLOUR.sub("", event.diagnostic_event.message).strip().removeprefix("error:").strip()

    def _begin(self, step: StepEventMetadata) -> None:
        change = _change(step)
        if change is None:
            return
        self._planned.add(change)
        self._began.setdefault(step.urn + step.op, time.monotonic())
        if change.kind not in _AT_ONCE and step.op in _WAITING:
            self._progress.waiting(change.name, _WAITING[step.op])

    def _end(self, step: StepEventMetadata) -> None:
        change = _change(step)
        if change is None:
            return
        began = self._began.get(step.urn + step.op)
        if began is None:  # it began as a look at what is there
            self._drifted.add(change)
        elif change.kind not in _AT_ONCE and step.op in _DONE:
            self._progress.done(change.name, _DONE[step.op], time.monotonic() - began)


def _change(step: StepEventMetadata) -> Change | None:
    action = _ACTIONS.get(step.op)
    return Change(_kind(step), _name(step), action) if action and _is_ours(step) else None


def _is_ours(step: StepEventMetadata) -> bool:
    """Whether it is a resource that a provider makes, and neither a component nor the provider itself."""
    state = step.new or step.old
    return bool(state and state.custom) and not step.type.startswith("pulumi:")


def _kind(step: StepEventMetadata) -> str:
    return step.type.rsplit(":", 1)[1]


def _name(step: StepEventMetadata) -> str:
    return step.urn.rsplit("::", 1)[1]

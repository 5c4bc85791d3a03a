"""What the CLI's events become: progress, changes, and the first error as a sentence."""

from __future__ import annotations

from typing import Any

from pulumi.automation import EngineEvent

from infra.engines.engine import Action, Change
from infra.engines.pulumi_events import Events

NODE = "pulumi-python:dynamic/process:Node"


class Listener:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def waiting(self, node: str, what: str) -> None:
        """Remember it."""
        self.told.append(f"{node} waits for {what}")

    def done(self, node: str, what: str, seconds: float) -> None:
        """Remember it; time is no matter here."""
        assert seconds >= 0
        self.told.append(f"{node} {what}")

    def note(self, text: str) -> None:
        """Nothing else is said."""
        raise AssertionError(text)


def hear(*events: dict[str, Any]) -> tuple[Events, list[str]]:
    """The events, and what a listener was told."""
    listener = Listener()
    heard = Events(listener)
    for event in events:
        heard.hear(EngineEvent.from_json({"sequence": 1, "timestamp": 1, **event}))
    return heard, listener.told


def step(when: str, operation: str, name: str, kind: str = NODE, *, custom: bool = True) -> dict[str, Any]:
    """One event of a resource: ``Pre`` when it begins, ``Outputs`` when it has ended."""
    urn = f"urn:pulumi:lab::spirelab::spirelab:components:Service${kind}::{name}"
    state = {"type": kind, "urn": urn, "custom": custom}
    gone = operation == "delete"
    metadata = {"op": operation, "urn": urn, "type": kind, "old": state if gone else None, "new": None if gone else state, "provider": ""}
    return {("resourcePreEvent" if when == "Pre" else "resOutputsEvent"): {"metadata": metadata}}


def diagnosis(severity: str, message: str) -> dict[str, Any]:
    """Something that the CLI has to say."""
    return {"diagnosticEvent": {"severity": severity, "message": message, "color": "never"}}


def test_what_takes_time_is_told_as_progress() -> None:
    """Ports, passwords, components and what stays as it is are no news."""
    events, told = hear(
        step("Pre", "create", "courses-1", "pulumi-python:dynamic/process:Port"),
        step("Outputs", "create", "courses-1", "pulumi-python:dynamic/process:Port"),
        step("Pre", "create", "courses", "spirelab:components:Service", custom=False),
        step("Pre", "create", "default", "pulumi:providers:pulumi-python"),
        step("Pre", "same", "cache"),
        step("Pre", "create", "courses-1"),
        step("Outputs", "create", "courses-1"),
        step("Pre", "delete", "courses-2"),
        step("Outputs", "delete", "courses-2"),
    )
    assert told == ["courses-1 waits for its creation", "courses-1 ready", "courses-2 waits for its end", "courses-2 removed"]
    assert events.planned == [
        Change("Node", "courses-1", Action.CREATE),
        Change("Node", "courses-2", Action.DELETE),
        Change("Port", "courses-1", Action.CREATE),
    ]


def test_a_replacement_is_one_change() -> None:
    """The engine tells of its three steps."""
    events, told = hear(*(step("Pre", operation, "cache") for operation in ("delete-replaced", "replace", "create-replacement")))
    assert events.planned == [Change("Node", "cache", Action.REPLACE)]
    assert told == ["cache waits for its replacement"]


def test_what_a_look_finds_gone_has_drifted() -> None:
    """A refresh begins as a look, and ends with what became of the resource; nobody is told that it was removed just now."""
    events, told = hear(step("Pre", "refresh", "cache"), step("Outputs", "delete", "cache"), step("Outputs", "same", "broker"))
    assert events.drifted == [Change("Node", "cache", Action.DELETE)]
    assert events.planned == []
    assert told == []


def test_the_first_error_is_kept_without_colours() -> None:
    """Others follow from it; warnings are none."""
    events, _ = hear(
        diagnosis("warning", "old"), diagnosis("error", "<{%reset%}>port 80 is taken\n<{%reset%}>"), diagnosis("error", "update failed")
    )
    assert events.error == "port 80 is taken"

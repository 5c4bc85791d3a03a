"""What the embedded engine asks of a provider, and in which order."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import signal
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

from infra.engines.embedded import EmbeddedEngine
from infra.errors import CancelledError, InfraError, StateError

GIVING_UP_S = 0.2
TYPE = "pulumi-python:dynamic/test:Thing"


class Recorder(ResourceProvider):
    """Remembers what is asked of it; a thing with ``fail`` can't be created, and one that is ``gone`` is not found."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []
        self.gone: set[str] = set()

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Remember it."""
        self.calls.append(f"create {props['name']}")
        if props.get("fail"):
            raise InfraError(f"{props['name']} can't be")
        return CreateResult(props["name"], {**props, "serial": len(self.calls)})

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """The colour takes an update, the size a replacement, the place one with the old thing kept until the end."""
        differing = [key for key in ("colour", "size", "place") if olds.get(key) != news.get(key)]
        return DiffResult(
            changes=bool(differing), replaces=[key for key in differing if key != "colour"], delete_before_replace="place" not in differing
        )

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Remember it."""
        self.calls.append(f"update {news['name']}")
        return UpdateResult(news)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Whether it is there."""
        return ReadResult() if id_ in self.gone else ReadResult(id_, props)

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Remember it."""
        self.calls.append(f"delete {props['name']}")


class Thing(Resource, module="test", name="Thing"):
    """A resource of the recorder."""

    serial: pulumi.Output[int]

    def __init__(self, name: str, *, after: list[pulumi.Resource] | None = None, **props: Any) -> None:
        opts = pulumi.ResourceOptions(depends_on=after or [])
        super().__init__(ResourceProvider(), name, {"name": name, **props}, opts)


class Bench:
    """An engine that is made anew for each command, as it is in life."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "state.json"
        self.provider = Recorder()

    def engine(self) -> EmbeddedEngine:
        """An engine that reads the file."""
        return EmbeddedEngine("test", self.file, {TYPE: self.provider}, threading.Event())

    def up(self, declare: Callable[[], object]) -> list[str]:
        """What is asked of the provider to come to what is declared."""
        self.provider.calls.clear()

        def program() -> pulumi.Output[dict[str, Any]]:
            declare()
            return pulumi.Output.from_input({"done": "yes"})

        assert self.engine().up(program) == {"done": "yes"}
        return self.provider.calls

    def preview(self, declare: Callable[[], object]) -> list[str]:
        """What would become of which thing; nothing is asked of the provider but to look and to compare."""
        self.provider.calls.clear()

        def program() -> pulumi.Output[dict[str, Any]]:
            declare()
            return pulumi.Output.from_input({})

        before = self.file.read_bytes()
        changes = self.engine().preview(program)
        assert self.provider.calls == []
        assert self.file.read_bytes() == before
        return [f"{change.action} {change.name}" for change in changes]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """An engine without resources."""
    return Bench(tmp_path)


def chain() -> None:
    """A thing, and another that needs it."""
    first = Thing("first")
    Thing("second", after=[first])


def test_what_is_new_is_created_after_what_it_needs_and_then_left_alone(bench: Bench) -> None:
    """A second run with the same declaration asks for nothing."""
    assert bench.up(chain) == ["create first", "create second"]
    assert bench.up(chain) == []


def test_what_is_declared_no_more_is_deleted_dependants_first(bench: Bench) -> None:
    """Whatever the order of its creation."""
    bench.up(chain)
    assert bench.up(lambda: None) == ["delete second", "delete first"]


def test_a_change_that_needs_no_replacement_is_an_update(bench: Bench) -> None:
    """The provider's diff decides."""
    bench.up(lambda: Thing("one", colour="red"))
    assert bench.up(lambda: Thing("one", colour="blue")) == ["update one"]
    assert bench.up(lambda: Thing("one", colour="blue")) == []


def test_a_replacement_deletes_first_where_the_provider_wants_it(bench: Bench) -> None:
    """The new process takes the old one's port."""
    bench.up(lambda: Thing("one", size=1))
    assert bench.up(lambda: Thing("one", size=2)) == ["delete one", "create one"]


def test_a_replacement_else_deletes_last(bench: Bench) -> None:
    """The old thing serves those that need it until all have the new one."""
    bench.up(lambda: Thing("one", place="here"))
    assert bench.up(lambda: (Thing("one", place="there"), Thing("two"))) in (
        ["create one", "create two", "delete one"],
        ["create two", "create one", "delete one"],
    )


def test_what_went_away_by_itself_is_created_again(bench: Bench) -> None:
    """A killed node is not the same as a running one."""
    bench.up(lambda: Thing("one"))
    bench.provider.gone.add("one")
    assert bench.up(lambda: Thing("one")) == ["create one"]


def test_the_first_failure_comes_out_as_it_is_and_the_rest_stays_recorded(bench: Bench) -> None:
    """What was made is deleted by ``destroy``, what failed is not."""

    def declare() -> None:
        first = Thing("first")
        Thing("bad", fail=True, after=[first])

    with pytest.raises(InfraError, match="bad can't be"):
        bench.up(declare)
    bench.provider.calls.clear()
    bench.engine().destroy()
    assert bench.provider.calls == ["delete first"]


def test_no_event_loop_is_left_open(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by a run that goes through nor by one that fails; each thread of it has one."""
    made: list[asyncio.AbstractEventLoop] = []

    def remembered() -> asyncio.AbstractEventLoop:
        made.append(make())
        return made[-1]

    make = asyncio.new_event_loop
    monkeypatch.setattr(asyncio, "new_event_loop", remembered)
    bench.up(lambda: Thing("one"))
    with pytest.raises(InfraError, match="bad can't be"):
        bench.up(lambda: Thing("bad", fail=True))
    assert len(made) >= 4
    assert all(loop.is_closed() for loop in made)


def test_an_interrupted_run_is_not_over_before_what_was_being_made_is_given_up(tmp_path: Path) -> None:
    """Whoever cleans up after it would else meet it still at work."""
    cancelled, given_up = threading.Event(), threading.Event()

    class Slow(Recorder):
        """Is interrupted while it makes something, and takes its time to give up."""

        def create(self, props: dict[str, Any]) -> CreateResult:
            """Give up."""
            os.kill(os.getpid(), signal.SIGINT)
            cancelled.wait()
            time.sleep(GIVING_UP_S)
            given_up.set()
            raise CancelledError(f"gave up {props['name']}")

    def program() -> pulumi.Output[dict[str, Any]]:
        Thing("one")
        return pulumi.Output.from_input({})

    engine = EmbeddedEngine("test", tmp_path / "state.json", {TYPE: Slow()}, cancelled)
    with pytest.raises(KeyboardInterrupt):
        engine.up(program)
    assert given_up.is_set()


def test_what_a_killed_command_left_half_made_is_deleted_by_the_next(bench: Bench) -> None:
    """It is written down before its creation begins."""

    class Killed(BaseException):
        """Stands for SIGKILL: nothing of ours runs after it."""

    class Killing(Recorder):
        """Never comes to the end of a creation."""

        def create(self, _props: dict[str, Any]) -> CreateResult:
            """End the command."""
            raise Killed

    whole, bench.provider = bench.provider, Killing()
    with pytest.raises(Killed):
        bench.up(lambda: Thing("one"))
    bench.provider = whole
    assert bench.up(lambda: Thing("one")) == ["delete one", "create one"]


def test_the_state_is_for_its_user_alone(bench: Bench) -> None:
    """It holds passwords."""
    bench.up(chain)
    assert stat.S_IMODE(bench.file.stat().st_mode) == 0o600


@pytest.mark.parametrize("damage", ["", "{", "[]", json.dumps({"version": 1, "resources": [{}]})])
def test_a_damaged_state_is_said(bench: Bench, damage: str) -> None:
    """The error names the file and the way out."""
    bench.file.write_text(damage)
    with pytest.raises(StateError, match=r"state\.json is damaged; `python -m infra down --volumes`"):
        bench.engine()


def test_many_programs_in_one_process_leave_the_standard_pickler_alone(bench: Bench) -> None:
    """What the SDK does to the pickler for each dynamic resource does not add up over the treatments of a suite."""
    before = dict(vars(pickle._Pickler))
    for _ in range(3):
        bench.up(chain)
    assert dict(vars(pickle._Pickler)) == before


def test_a_preview_says_what_an_up_would_do_and_does_nothing(bench: Bench) -> None:
    """Creation, update, replacement and removal; what went away by itself is created."""
    bench.up(lambda: (Thing("same"), Thing("painted", colour="red"), Thing("grown", size=1), Thing("dropped"), Thing("gone")))
    bench.provider.gone.add("gone")
    assert bench.preview(lambda: (Thing("same"), Thing("painted", colour="blue"), Thing("grown", size=2), Thing("gone"), Thing("new"))) == [
        "delete dropped",
        "create gone",
        "replace grown",
        "create new",
        "update painted",
    ]


def test_what_is_not_known_before_it_is_made_is_unknown_to_those_who_use_it(bench: Bench) -> None:
    """A new thing's output can't be compared with, so its user would change."""

    def declare(*names: str) -> None:
        things = {name: Thing(name, serial=None) for name in names}
        serials = pulumi.Output.all(*(thing.serial for thing in things.values()))
        Thing("user", colour=serials.apply(lambda known: ",".join(map(str, known))))

    bench.up(lambda: declare("one"))
    assert bench.preview(lambda: declare("one")) == []
    assert bench.preview(lambda: declare("one", "two")) == ["create two", "update user"]


def test_a_refresh_tells_what_went_away_and_up_makes_it_again(bench: Bench) -> None:
    """It is forgotten, and nothing else is done."""
    bench.up(chain)
    bench.provider.gone.add("second")
    bench.provider.calls.clear()
    assert [f"{change.action} {change.name}" for change in bench.engine().refresh()] == ["delete second"]
    assert bench.provider.calls == []
    assert bench.engine().refresh() == []
    assert bench.up(chain) == ["create second"]

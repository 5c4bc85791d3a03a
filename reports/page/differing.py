"""In what runs on one page differ, so that no figure of one is compared with a figure of another as if they were alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from experiments.records.capacity import CapacityRunRecord
from experiments.records.schema import RunRecord

Record = RunRecord | CapacityRunRecord

COMPARABLE: Final = ("target", "engine", "cpu_model", "cpu_count", "memory_bytes", "kernel", "operating_system", "python", "git_commit")
"""What must agree before figures of two runs may be compared; between runs of one kind the load generator too."""
MOST_NAMED: Final = 12
"""Keys that one sentence names with their values."""
LONGEST_VALUE: Final = 40
WORDS_ONLY: Final = frozenset({"title", "question"})
"""Keys of a definition that change nothing that is measured."""
_ABSENT: Final = "none"


def differences(records: Sequence[Record]) -> tuple[str, ...]:
    """A sentence for each kind of difference between the runs of a page.

    Machine, software and rules of validity are compared between all of them. The definitions are compared between runs of one experiment
    only: different experiments are on one page because they ask different things.
    """
    return tuple(
        sentence
        for sentence in (_machine(records), _dirty(records), _rules(records), *(_definition(same) for same in _by_experiment(records)))
        if sentence
    )


def _machine(records: Sequence[Record]) -> str:
    made = [record.provenance for record in records]
    differing = [name.replace("_", " ") for name in COMPARABLE if len({repr(getattr(one, name)) for one in made}) > 1]
    differing += _named("servers", [{server.name: server.version for server in one.servers} for one in made])
    differing += _named("packages", [one.packages for one in made])
    generators = {(record.kind, record.provenance.load_generator) for record in records}
    if len(generators) > len({kind for kind, _ in generators}):
        differing.append("load generator")
    return f"The runs differ in {', '.join(differing)}: don't compare figures of one with figures of another." if differing else ""


def _named(what: str, versions: Sequence[Mapping[str, str]]) -> list[str]:
    """Servers or packages of which not all runs had the same version, with the versions."""
    found = [f"{name} {values}" for name, values in _differing(versions)]
    return [f"{what} ({_listed(found)})"] if found else []


def _dirty(records: Sequence[Record]) -> str:
    dirty = [record.run_id for record in records if record.provenance.git_dirty]
    if len(records) == 1 or not dirty:
        return ""
    return f"The code had uncommitted changes in {', '.join(dirty)}: the same commit does not mean the same code."


def _rules(records: Sequence[Record]) -> str:
    rules = [{} if record.rules is None else record.rules.model_dump() for record in records if isinstance(record, RunRecord)]
    found = [f"{name} {values}" for name, values in _differing(rules)]
    return f"The runs differ in what makes a trial count: {_listed(found)}." if found else ""


def _by_experiment(records: Sequence[Record]) -> Iterable[list[Record]]:
    found: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        found[record.kind, record.experiment.name].append(record)
    return found.values()


def _definition(records: Sequence[Record]) -> str:
    """Which keys of one experiment's definition its runs have different values of."""
    flat = [dict(_flat(record.experiment.model_dump(mode="json", exclude=set(WORDS_ONLY)))) for record in records]
    items = [{_item(path) for path in values} for values in flat]
    found = [f"{path} {values}" for path, values in _differing(flat) if all(_item(path) in there for there in items)]
    if not found:
        return ""
    name = records[0].experiment.name
    return f"The runs of {name} differ in what was asked: {_listed(found)}. They are different experiments of the same name."


def _differing(values_of: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Each key of which not all have the same value, with the different values in the order of the runs."""
    for name in dict.fromkeys(name for values in values_of for name in values):
        shown = [_short(values[name]) if name in values else _ABSENT for values in values_of]
        if len({repr(values.get(name, _ABSENT)) for values in values_of}) > 1:
            yield name, f"({', '.join(dict.fromkeys(shown))})"


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of a definition by their path, and for each list what is in it: by name or statement, else by place."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        names = [_name(inner, place) for place, inner in enumerate(value)]
        yield path, "; ".join(names)
        for name, inner in zip(names, value, strict=True):
            yield from _flat(inner, f"{path}[{name}]")
    else:
        yield path, value


def _name(value: Any, place: int) -> str:
    found = [str(value[key]) for key in ("name", "statement", "title") if key in value] if isinstance(value, dict) else []
    return found[0] if found else str(place + 1)


def _item(path: str) -> str:
    """The item of a list that a path leads into: where a run doesn't have it, what is in the list tells, and its parts needn't."""
    return path.rpartition("]")[0]


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"


def _listed(items: Sequence[str]) -> str:
    more = f" and {len(items) - MOST_NAMED} more" if len(items) > MOST_NAMED else ""
    return ", ".join(items[:MOST_NAMED]) + more

"""What tests measure and print; none of it is asserted, for the machine is shared."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Figure:
    """One measured value, and the bound that the requirements set for it, if they set one."""

    name: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None

    @property
    def verdict(self) -> str:
        """The bound, and whether it was met."""
        if self.at_most is not None:
            return f"<= {self.at_most:g} {self.unit}: {'met' if self.value <= self.at_most else 'NOT MET'}"
        if self.at_least is not None:
            return f">= {self.at_least:g} {self.unit}: {'met' if self.value >= self.at_least else 'NOT MET'}"
        return ""


@dataclass(frozen=True)
class Fuzzing:
    """What Schemathesis did with one document, and found."""

    target: str
    operations: int
    operations_tested: int
    cases: int
    checks: int
    failures: int
    dropped: int
    """Failures that the hooks know to be none."""
    passed: bool
    """Also no error of Schemathesis' own, and no phase cut short."""
    text: str
    """What it printed, with a curl line to reproduce each failure."""


@dataclass
class Measured:
    """What one run of tests has measured."""

    figures: list[Figure] = field(default_factory=list)
    fuzzing: list[Fuzzing] = field(default_factory=list)

    def figure(self, name: str, value: float, unit: str, *, at_most: float | None = None, at_least: float | None = None) -> None:
        """Keep a figure for the end of the run."""
        self.figures.append(Figure(name, value, unit, at_most, at_least))

    def add(self, other: Measured) -> None:
        """Keep what another run has measured, too."""
        self.figures += other.figures
        self.fuzzing += other.fuzzing

    def as_json(self) -> str:
        """All of it as text, for another process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Measured:
        """What :meth:`as_json` of another process gave."""
        told = json.loads(text)
        return cls([Figure(**each) for each in told["figures"]], [Fuzzing(**each) for each in told["fuzzing"]])

    def sections(self) -> Iterator[tuple[str, Sequence[str]]]:
        """What to print: a title each, and lines."""
        if self.figures:
            width = max(len(figure.name) for figure in self.figures)
            lines = [f"{each.name:<{width}}  {each.value:>9.1f} {each.unit:<6}  {each.verdict}".rstrip() for each in self.figures]
            yield "figures of degradation, measured and not asserted", lines
        if self.fuzzing:
            yield "Schemathesis", [*(_counts(each.target, [each]) for each in self.fuzzing), _counts("all", self.fuzzing)]


def _counts(title: str, runs: Sequence[Fuzzing]) -> str:
    counts = {
        "operations": sum(run.operations_tested for run in runs),
        "test cases": sum(run.cases for run in runs),
        "checks": sum(run.checks for run in runs),
        "failures": sum(run.failures for run in runs),
        "dropped by the hooks": sum(run.dropped for run in runs),
    }
    return f"{title:30}" + "".join(f"{count:7} {name}" for name, count in counts.items())

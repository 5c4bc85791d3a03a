"""Times and rates that the tests measure and print; none is asserted, for the machine is shared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field


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


@dataclass
class Figures:
    """The figures of a test run."""

    found: list[Figure] = field(default_factory=list)

    def add(self, name: str, value: float, unit: str, *, at_most: float | None = None, at_least: float | None = None) -> None:
        """Keep a figure for the end of the run."""
        self.found.append(Figure(name, value, unit, at_most, at_least))

    def table(self) -> Iterator[str]:
        """The lines to print."""
        width = max((len(figure.name) for figure in self.found), default=0)
        for figure in self.found:
            yield f"{figure.name:<{width}}  {figure.value:>9.1f} {figure.unit:<6}  {figure.verdict}".rstrip()

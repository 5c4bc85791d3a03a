"""Where the cached reads are found behind the gateway."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from experiments.definition import Operation
from experiments.definition.popularity import PAGE_SIZE

_TEMPLATES: Final[Mapping[Operation, str]] = {
    Operation.READ_COURSE: "/courses/{}",
    Operation.LIST_COURSES: f"/courses?limit={PAGE_SIZE}&offset={{}}",
    Operation.READ_STUDENT: "/students/{}",
}


def read_path(operation: Operation, about: int | None) -> str:
    """The path of a read; ``about`` is the id of the course or student, or the place of the page's first course in the catalogue."""
    return _TEMPLATES[operation].format(about)

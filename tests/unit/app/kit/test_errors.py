"""Problem details and how they are declared."""

from __future__ import annotations

import pytest

from app.courses import errors as courses_errors
from app.enrollment import errors as enrollment_errors
from app.kit import errors
from app.kit.errors import TYPE_PREFIX, InvalidError, InvalidField, OverloadedError, ProblemError, UnavailableError
from app.students import errors as students_errors

KINDS = [
    kind
    for module in (errors, courses_errors, students_errors, enrollment_errors)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, ProblemError) and kind is not ProblemError and kind.__module__ == module.__name__
]


def test_each_kind_of_problem_has_a_type_of_its_own() -> None:
    """A client can tell any two kinds of problem apart."""
    assert len({kind.name for kind in KINDS}) == len(KINDS) > 10


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_each_kind_is_declared_for_its_status(kind: type[ProblemError]) -> None:
    """OpenAPI tells the type under the status that it is answered with, beside 422 and 503."""
    declared = errors.responses(kind)
    assert TYPE_PREFIX + kind.name in declared[kind.status.value]["description"]
    assert {422, 503} <= set(declared)


def test_an_invalid_request_lists_its_fields() -> None:
    """The body of 422 has each field and what is wrong with it."""
    problem = InvalidError("two are wrong", [InvalidField(field="body.a", detail="x"), InvalidField(field="body.b", detail="y")]).problem()
    assert problem.errors is not None
    assert [error.field for error in problem.errors] == ["body.a", "body.b"]


def test_an_absent_dependency_says_when_to_come_again() -> None:
    """503 carries Retry-After, and OpenAPI announces it."""
    for error in (UnavailableError("away"), OverloadedError()):
        assert int(error.headers()["Retry-After"]) >= 1
        assert errors.described(type(error))[503]["headers"]["Retry-After"]["required"]

"""What clients send and get of students."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from app.kit.http import Body, Id, Patch

MAX_COMPLETED = 200
LARGEST_LOOKUP = 100

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$", examples=["John Doe"])]
Code = Annotated[str, Field(max_length=32, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", examples=["CS187"])]
Codes = Annotated[list[Code], Field(max_length=MAX_COMPLETED), AfterValidator(lambda codes: list(dict.fromkeys(codes)))]


class StudentBody(Body):
    """A whole student, as POST and PUT take it."""

    name: Name
    completed_courses: Codes = Field(default_factory=list)


class StudentPatch(Patch):
    """The fields of a student to change."""

    name: Name | None = None
    completed_courses: Codes | None = None


class StudentRead(BaseModel):
    """A student as clients see it."""

    id: int
    name: str
    completed_courses: list[str]
    version: int = Field(description="goes up with every change")


class Lookup(Body):
    """Which students another service asks for."""

    student_ids: Annotated[list[Id], Field(max_length=LARGEST_LOOKUP)]


class LookupResult(BaseModel):
    """Those of them that exist, as the database has them now."""

    students: list[StudentRead]

"""What clients and the other services send and get of courses."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field

from app.courses.seats import SeatOutcome
from app.kit.http import INTEGRAL, Body, Id, Patch

MAX_PREREQUISITES = 20
MAX_COMPLETED = 200
LARGEST_CAPACITY = 100_000
LARGEST_BATCH = 100

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$", examples=["Web Systems"])]
Code = Annotated[str, Field(max_length=32, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", examples=["CS326"])]
Capacity = Annotated[int, Field(strict=True, ge=0, le=LARGEST_CAPACITY, examples=[100]), INTEGRAL]
Prerequisites = Annotated[list[Code], Field(max_length=MAX_PREREQUISITES), AfterValidator(lambda codes: list(dict.fromkeys(codes)))]


class CourseBody(Body):
    """A whole course, as POST and PUT take it."""

    name: Name
    code: Code
    capacity: Capacity
    prerequisites: Prerequisites = Field(default_factory=list)


class CoursePatch(Patch):
    """The fields of a course to change."""

    name: Name | None = None
    code: Code | None = None
    capacity: Capacity | None = None
    prerequisites: Prerequisites | None = None


class CourseRead(BaseModel):
    """A course as clients see it."""

    id: int
    name: str
    code: str
    capacity: int
    prerequisites: list[str]
    version: int = Field(description="goes up with every change")


class Seats(BaseModel):
    """The seats of a course at this moment."""

    course_id: int
    capacity: int
    taken: int
    free: int


class ReservationRequest(Body):
    """A request for a seat."""

    reservation_id: UUID = Field(description="the enrolment's id; a repeated request gets the first one's answer")
    course_id: Id
    student_id: Id
    student_version: Id | None = Field(None, description="version of the student's record that the completed courses are from")
    completed_courses: Annotated[list[Code], Field(max_length=MAX_COMPLETED)] | None = Field(
        description="null: there is no such student, and that is recorded as the answer"
    )


class ReservationBatch(Body):
    """Requests for seats that are decided together, in this order."""

    reservations: Annotated[list[ReservationRequest], Field(min_length=1, max_length=LARGEST_BATCH)]


class ReservationRead(BaseModel):
    """The answer to one request for a seat."""

    reservation_id: UUID
    outcome: SeatOutcome
    evidence: dict[str, Any] | None


class ReservationResult(BaseModel):
    """The answers to a batch, in its order."""

    reservations: list[ReservationRead]


class ReleaseRequest(Body):
    """A seat to give up, taken or not."""

    reservation_id: UUID
    course_id: Id


class ReleaseBatch(Body):
    """Seats that are given up together."""

    releases: Annotated[list[ReleaseRequest], Field(min_length=1, max_length=LARGEST_BATCH)]


class ReleaseResult(BaseModel):
    """What a batch of releases changed."""

    freed: int = Field(description="seats that were taken and are free now")

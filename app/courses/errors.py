"""What can go wrong with a course."""

from app.kit.errors import ConflictError, NotFoundError


class CourseNotFoundError(NotFoundError):
    """There is no course of that id."""

    name = "course-not-found"
    title = "There is no such course"

    def __init__(self, course_id: int) -> None:
        super().__init__(f"there is no course {course_id}")


class DuplicateCodeError(ConflictError):
    """Another course has that code."""

    name = "duplicate-code"
    title = "Another course has this code"

    def __init__(self, code: str) -> None:
        super().__init__(f"another course has the code {code}")


class CapacityBelowTakenError(ConflictError):
    """More seats are taken than the new capacity has."""

    name = "capacity-below-taken"
    title = "More seats are taken than that"

    def __init__(self, capacity: int) -> None:
        super().__init__(f"more than {capacity} seats are taken; only dropped enrolments free them")


class CourseInUseError(ConflictError):
    """Somebody is enrolled in a course that is to be deleted."""

    name = "course-in-use"
    title = "The course has enrolled students"

    def __init__(self, course_id: int) -> None:
        super().__init__(f"course {course_id} can be deleted once nobody is enrolled in it any more")

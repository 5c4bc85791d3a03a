"""What can go wrong with a student's record."""

from app.kit.errors import NotFoundError


class StudentNotFoundError(NotFoundError):
    """There is no student of that id."""

    name = "student-not-found"
    title = "There is no such student"

    def __init__(self, student_id: int) -> None:
        super().__init__(f"there is no student {student_id}")

"""The records of students."""

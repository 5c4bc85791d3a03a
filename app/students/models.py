"""The tables of the students database."""

from sqlalchemy import Column, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel


class Student(SQLModel, table=True):
    """A student and the courses that they have completed."""

    __tablename__ = "students"

    id: int | None = Field(default=None, primary_key=True)
    name: str
    completed_courses: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    version: int = 1
    """Goes up with every change of the row."""
    delivery_key: str | None = Field(default=None, unique=True)
    """The request that made it, so that its second delivery by the gateway makes no second student."""


metadata = SQLModel.metadata

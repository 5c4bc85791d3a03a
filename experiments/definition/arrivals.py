"""What is sent and when: operations and their mix, and the rate of an open loop, which may grow and spike."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from experiments.definition.base import Value


class Operation(StrEnum):
    """The kinds of request that a workload is mixed from."""

    READ_COURSE = "read_course"
    LIST_COURSES = "list_courses"
    READ_STUDENT = "read_student"
    ENROLL = "enroll"
    READ_ENROLLMENT = "read_enrollment"
    DROP = "drop"
    READ_SEATS = "read_seats"
    UPDATE_CAPACITY = "update_capacity"
    UPDATE_STUDENT = "update_student"
    REUSE_KEY = "reuse_key"
    """An enrolment whose Idempotency-Key is then sent again: with another body, which must be refused, and with its own."""


def _weights(mix: dict[Operation, float]) -> dict[Operation, float]:
    if any(not math.isfinite(weight) or weight < 0 for weight in mix.values()) or sum(mix.values()) <= 0:
        raise ValueError("needs weights of 0 or more, at least one of them above 0")
    return mix


Mix = Annotated[dict[Operation, float], AfterValidator(_weights), Field(description="relative weight of each operation")]
MOST_PER_S = 20_000
Rate = Annotated[float, Field(gt=0, le=MOST_PER_S)]


class Ramp(Value):
    """The beginning of a load: its rate grows, or falls, evenly to what it then is."""

    from_per_s: float = Field(ge=0, le=MOST_PER_S, description="rate at the very beginning")
    duration_s: float = Field(gt=0, le=86_400)


class Spike(Value):
    """A while in which there is another rate, and possibly another mix."""

    at_s: float = Field(ge=0, description="seconds after the load began")
    duration_s: float = Field(gt=0)
    rate_per_s: Rate
    mix: Mix | None = Field(None, description="of the spike; None: the same as before and after")

    @property
    def end_s(self) -> float:
        """When it is over."""
        return self.at_s + self.duration_s


class Arrivals(Value):
    """When requests are sent: an open loop, from the seed, whether or not earlier ones were answered."""

    process: Literal["constant", "poisson"] = "poisson"
    rate_per_s: float = Field(200.0, gt=0, le=MOST_PER_S, description="offered load over all operations")
    ramp: Ramp | None = None
    spike: Spike | None = None

    @property
    def title(self) -> str:
        """As tables call it: ``ramp of 10 to 80/s in 5 s, poisson, 200 requests/s from 8 s to 12 s``."""
        words = [f"{self.process}, {self.rate_per_s:g} requests/s"]
        if self.ramp is not None:
            words.append(f"ramp from {self.ramp.from_per_s:g}/s in {self.ramp.duration_s:g} s")
        if self.spike is not None:
            words.append(f"spike of {self.spike.rate_per_s:g}/s from {self.spike.at_s:g} s to {self.spike.end_s:g} s")
        return ", ".join(words)

    @model_validator(mode="after")
    def _one_after_the_other(self) -> Self:
        if self.ramp is not None and self.spike is not None and self.spike.at_s < self.ramp.duration_s:
            raise ValueError(
                f"the spike begins at {self.spike.at_s:g} s, when the ramp is not over; let it begin at {self.ramp.duration_s:g} s or later"
            )
        return self

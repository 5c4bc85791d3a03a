"""What every kind of experiment is made of: frozen values, names, the seeded data, and a sentence for what is wrong."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from infra.topology import Topology

TRIALS_FOR_A_VERDICT = 5
"""Fewer trials a treatment can't reach p < 0.05 in a rank test, so their verdicts are called indicative."""

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Scalar = bool | int | float | str
ZipfExponent = Annotated[float, Field(ge=0, le=5, allow_inf_nan=False)]


class Value(BaseModel):
    """A frozen value; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Dataset(Value):
    """The population that is seeded before the load, and how requests choose from it."""

    courses: int = Field(200, ge=1, le=100_000)
    students: int = Field(1000, ge=1, le=1_000_000)
    capacity: int = Field(60, ge=0, le=1_000_000, description="seats of a course of median size")
    chain_length: int = Field(4, ge=1, le=20, description="courses in the longest chain of prerequisites")
    zipf_exponent: ZipfExponent = Field(
        1.1,
        description="popularity of the k-th course or student is proportional to k to the power of minus this; 0 is uniform",
    )


class BaseExperiment(Value):
    """What every experiment has, whatever is measured."""

    name: Name
    title: str = Field(min_length=1)
    question: str = Field(min_length=1, description="what a reader wants to know, in a sentence")
    topology: Topology = Topology()
    dataset: Dataset = Dataset()
    trials: int = Field(TRIALS_FOR_A_VERDICT, ge=1, le=1000, description="repetitions of everything that is compared, one in each block")
    seed: int = Field(1, ge=0, le=2**63 - 1)

    @property
    def varied(self) -> dict[str, str]:
        """Who sets each factor that the experiment itself varies, by the factor's path."""
        raise NotImplementedError


def explain(error: ValidationError) -> str:
    """The first problem of a definition, in one sentence that names the key."""
    first = error.errors()[0]
    path = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    return f"{path}: {message}" if path else message


def factor_path(name: str) -> str:
    """The path of a factor that may have been named by its section alone, as in ``cache=off``."""
    return name if "." in name else f"{name}.enabled"

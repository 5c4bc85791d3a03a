"""Settings of the lab itself, as opposed to factors of an experiment: where runs go, and when a trial counts."""

from __future__ import annotations

from copy import copy
from pathlib import Path
from typing import Any

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from experiments.records.schema import ValidityRules
from infra.engines.choosing import TargetChoice

REPOSITORY = Path(__file__).resolve().parent.parent
"""Root of the checkout."""


def _rule(name: str) -> Any:
    """The field of a rule of validity, with its default, bounds and description."""
    return copy(ValidityRules.model_fields[name])


class Settings(BaseSettings):
    """Each can be set by an environment variable, as in ``SPIRELAB_RUNS_DIR=/data/runs``."""

    model_config = SettingsConfigDict(env_prefix="SPIRELAB_", frozen=True)

    runs_dir: Path = Field(REPOSITORY / "runs", description="folder that holds a folder for each run")
    deployment: str = Field(
        "bench",
        pattern=r"^[a-z][a-z0-9-]{0,21}$",
        description="name of the deployment that trials are run on; those of capacity experiments have the implementation's behind it",
    )
    target: TargetChoice = Field(
        "process",
        description="as what the nodes run: process, docker, or auto, which takes docker where all that it needs is there; results of "
        "different targets are not to be compared, so it is never changed by what a machine happens to have",
    )
    slip_floor_ms: float = _rule("slip_floor_ms")
    slip_share: float = _rule("slip_share")
    slip_ceiling_ms: float = _rule("slip_ceiling_ms")
    longest_slip_ms: float = _rule("longest_slip_ms")
    clock_step_ms: float = _rule("clock_step_ms")
    start_lead_s: float = Field(0.5, ge=0, le=60, description="time from when the load generator is ready to a trial's time 0")
    probe_period_s: float = Field(0.5, ge=0.1, le=60, description="time between two readings of a probe")
    settle_timeout_s: float = Field(20.0, gt=0, le=3600, description="time that accepted enrolments have to be decided in after the load")
    repeats: int = Field(
        2,
        ge=0,
        le=10,
        description="times that a trial which turned out invalid is run again at the end of its block; a run repeats a quarter of its "
        "planned trials at most, or two",
    )
    stop_with_parent: bool = Field(default=False, description="end as by Ctrl-C when the program that started the bench is gone")
    free_space_mib: int = Field(64, ge=1, description="free space that a run needs to start: a quick suite writes about 10 MiB")

    @property
    def rules(self) -> ValidityRules:
        """What decides whether a trial counts."""
        return ValidityRules(**{name: getattr(self, name) for name in ValidityRules.model_fields})


def load_settings(runs_dir: Path | None = None, target: TargetChoice | None = None) -> Settings:
    """The settings of this process; an argument wins over the environment.

    Raises:
        pydantic.ValidationError: a variable has a value that it can't take.
    """
    settings = Settings()
    given = {"runs_dir": runs_dir and runs_dir.resolve(), "target": target}
    return settings.model_copy(update={name: value for name, value in given.items() if value is not None})

"""Where deployments live on this machine and how long they may take; the only configuration of infra that is no factor."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

REPOSITORY = Path(__file__).resolve().parent.parent
"""Where the project's packages are; what it runs as a program of its own runs from here."""


class _BaseDirectories(BaseSettings):
    """The part of the XDG base directory specification that we use."""

    model_config = SettingsConfigDict(env_prefix="XDG_")

    state_home: Path = Field(default_factory=lambda: Path.home() / ".local" / "state")


def _default_state_dir() -> Path:
    if os.geteuid() == 0:
        return Path("/var/lib/spirelab")  # PostgreSQL runs as another user there, and root's home keeps others out
    return _BaseDirectories().state_home / "spirelab"


class Settings(BaseSettings):
    """Read from the environment, as ``SPIRELAB_STATE_DIR`` and so on."""

    model_config = SettingsConfigDict(env_prefix="SPIRELAB_", frozen=True)

    state_dir: Path = Field(default_factory=_default_state_dir, description="folder of all deployments, their data and logs")
    application_dir: Path = Field(REPOSITORY, description="folder of the package `app` that replicas and workers run")
    ready_timeout_s: float = Field(90.0, gt=0, description="time for a node to become ready before bring-up fails, s")
    lock_timeout_s: float = Field(60.0, ge=0, description="time to wait for another command on the same deployment, s")


class ToolSettings(BaseSettings):
    """What Pulumi and Docker read from the environment themselves: ``PULUMI_HOME`` and ``DOCKER_HOST``."""

    model_config = SettingsConfigDict(env_ignore_empty=True, frozen=True)

    pulumi_home: Path = Field(default_factory=lambda: Path.home() / ".pulumi", description="where Pulumi keeps this user's plugins")
    docker_host: str = Field("unix:///var/run/docker.sock", description="where the Docker daemon listens")

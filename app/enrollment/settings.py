"""The configuration of the enrollment service and of its worker."""

from __future__ import annotations

from pydantic import Field, SecretStr

from app.kit.settings import HIGHEST_TCP_PORT, ProcessSettings, ServiceSettings


class Settings(ServiceSettings):
    """The service and its relay."""

    broker_url: SecretStr
    delivery_limit: int = Field(20, ge=1, le=1000)
    peers_url: str = Field(pattern=r"^https?://")
    """Where the other services' internal endpoints are reached."""


class WorkerSettings(ProcessSettings):
    """The worker."""

    health_port: int = Field(ge=1, le=HIGHEST_TCP_PORT)
    broker_url: SecretStr
    prefetch: int = Field(50, ge=1, le=1000)
    delivery_limit: int = Field(20, ge=1, le=1000)
    peers_url: str = Field(pattern=r"^https?://")

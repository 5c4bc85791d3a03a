"""The part of the product's environment that the tutorial has a use for."""

from __future__ import annotations

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Read from ``SPIRE_...``; what a process has no use for is absent there."""

    model_config = SettingsConfigDict(env_prefix="SPIRE_", extra="ignore")

    host: str = "127.0.0.1"
    port: int = 0
    replica: str = "tutorial"
    database_url: SecretStr
    cache_url: SecretStr | None = None
    cache_ttl_s: int = 60
    broker_url: SecretStr = SecretStr("")
    peers_url: str = ""
    health_port: int = 0
    prefetch: int = 50


settings = Settings()

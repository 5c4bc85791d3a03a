"""The configuration that every process reads, once, from its environment (prefix ``SPIRE_``)."""

from __future__ import annotations

from typing import TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "SPIRE_"
HIGHEST_TCP_PORT = 65_535


class SettingsError(Exception):
    """The environment lacks a variable or holds one that can't be used; the sentence names each."""


class ProcessSettings(BaseSettings):
    """What services and workers share."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    host: str = "127.0.0.1"
    replica: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")
    """The node's name: sent back as header X-Replica and written in each log line."""
    database_url: SecretStr


class ServiceSettings(ProcessSettings):
    """What the three services share."""

    port: int = Field(ge=1, le=HIGHEST_TCP_PORT)
    database_pool_size: int = Field(8, ge=1, le=64)
    threads: int = Field(8, ge=1, le=64)
    """Requests that are worked on at the same time."""
    queue_limit: int = Field(256, ge=1, le=10_000)
    """Requests that may wait for a thread: a quarter of a second's work, also on a slow machine. More are answered 503 at once."""
    queue_wait_ms: int = Field(700, ge=1, le=60_000)
    """How long a request may wait for a thread before it is answered 503. Longer than a stall of a shared machine (half a second was seen),
    for what waited through one is served within milliseconds after it; and with the work itself within the gateway's 1 s."""
    fast_paths: bool = True
    """Answer the plain cases of hot paths before the framework's routing and validation; see :mod:`app.kit.fast`."""


class CachedServiceSettings(ServiceSettings):
    """What the services with cached reads share."""

    cache_url: SecretStr | None = None
    """Absent: no cache at all."""
    cache_ttl_s: int = Field(60, ge=1, le=86_400)


S = TypeVar("S", bound=ProcessSettings)


def load(kind: type[S]) -> S:
    """The settings of this process.

    Raises:
        SettingsError: a variable is missing or invalid. No value is repeated, for it may be a secret.
    """
    try:
        return kind()
    except ValidationError as error:
        problems = ", ".join(
            f"{PREFIX}{'.'.join(map(str, item['loc'])).upper()}: {item['msg']}" for item in error.errors(include_input=False)
        )
        raise SettingsError(f"the environment is not usable: {problems}") from None

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
    accept_batch: int = Field(64, ge=1, le=1000)
    """Requests that one transaction stores at most: some 5 ms of work, above which a larger one gains little and makes more wait."""
    confirms_limit: int = Field(512, ge=1, le=10_000)
    """Messages that a replica may have published without knowing their fate: a tenth of a second's work of the broker."""
    in_flight_limit: int = Field(100_000, ge=1, le=10_000_000)
    """Tasks that may be sent without their effect being stored: minutes of the workers' work and some 100 MB of the broker's memory. While
    workers are away for longer, more wait in the outbox, on disk."""
    inbox_retention_h: int = Field(168, ge=1, le=100_000)
    """How long the inbox is kept. A second delivery can come only while a copy of the message is in the queue, which workers empty within
    minutes of their return; a week is longer than any outage that nobody mends. After that the request's own state still refuses it."""
    idempotency_key_retention_h: int = Field(24, ge=1, le=100_000)
    """How long a key is known, counted from its request: a client that repeats a request does so within a day."""


class WorkerSettings(ProcessSettings):
    """The worker."""

    health_port: int = Field(ge=1, le=HIGHEST_TCP_PORT)
    broker_url: SecretStr
    prefetch: int = Field(300, ge=1, le=1000)
    """Messages that are delivered and not settled: two batches of 100 under way, and the next one here when the first of them is done."""
    delivery_limit: int = Field(20, ge=1, le=1000)
    peers_url: str = Field(pattern=r"^https?://")

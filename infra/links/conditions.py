"""What a link does to what passes it; pure values, the same for the proxy and for who controls it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

LONGEST_LATENCY_MS: Final = 60_000


class Direction(StrEnum):
    """Which way the conditions hold; the other way passes as it would."""

    BOTH = "both"
    TO_SERVER = "to_server"
    TO_CLIENT = "to_client"


class Passage(StrEnum):
    """Whether anything passes."""

    OPEN = "open"
    SILENT = "silent"
    """A black hole: connections stand and are accepted, and nothing arrives; what was under way arrives when it is over, as TCP would
    send it again."""
    REFUSED = "refused"
    """Nobody listens, and connections that there were are reset: the other machine runs, the program doesn't."""
    RESET = "reset"
    """Connections are accepted and reset at once, and so are those that there were."""


class Conditions(BaseModel):
    """The state of a link; the default is a network that nobody notices."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    passage: Passage = Passage.OPEN
    direction: Direction = Direction.BOTH
    latency_ms: float = Field(0.0, ge=0, le=LONGEST_LATENCY_MS, description="added to each way that the conditions hold")
    jitter_ms: float = Field(0.0, ge=0, le=LONGEST_LATENCY_MS, description="the latency varies by up to this, evenly; order is kept")
    bandwidth_kib_per_s: float | None = Field(None, gt=0, description="of each connection and way; None is no limit")

    @property
    def holds_to_server(self) -> bool:
        """Whether they hold for what clients send."""
        return self.direction is not Direction.TO_CLIENT

    @property
    def holds_to_client(self) -> bool:
        """Whether they hold for what the server answers."""
        return self.direction is not Direction.TO_SERVER


NORMAL: Final = Conditions()


class Route(BaseModel):
    """Where a link listens and where it leads."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    listen_host: str
    listen_port: int
    server_host: str
    server_port: int


class LinkState(BaseModel):
    """What a link says of itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    conditions: Conditions
    connections: int
    """Open now."""
    bytes_to_server: int
    """Passed since the proxy was started."""
    bytes_to_client: int


class Configuration(BaseModel):
    """What the proxy program is given: all its links, and where it is controlled."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    control_host: str
    control_port: int
    token: str = Field(min_length=16, description="whoever changes a link has to know it")
    routes: tuple[Route, ...]

"""What all components share: how a config model is checked, and how one is called in Pulumi."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

TYPE = "spirelab:components:"


class Config(BaseModel):
    """What a component is to be; made, and so validated, before any resource is registered."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def address(place: Sequence[Any]) -> str:
    """``host:port`` of the two; what an address of a server is, wherever URLs are made of one."""
    host, port = place
    return f"{host}:{port}"

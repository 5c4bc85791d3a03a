"""What all components share: how a config model is checked, and how one is called in Pulumi."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

TYPE = "spirelab:components:"


class Config(BaseModel):
    """What a component is to be; made, and so validated, before any resource is registered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

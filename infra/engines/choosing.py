"""Which engine makes a deployment, on which target, and why."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from infra.errors import InfraError, StateError
from infra.home import Home, read_json, write_private

EngineName = Literal["embedded", "pulumi"]
TargetName = Literal["process", "docker"]
EngineChoice = Literal["auto", "embedded", "pulumi"]
TargetChoice = Literal["auto", "process", "docker"]


class Maker(BaseModel):
    """What a deployment was made by; written down before anything of it is there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: EngineName
    target: TargetName


@dataclass(frozen=True)
class Choice:
    """What will make it, and why."""

    maker: Maker
    reason: str = ""
    """Empty where nothing was to be decided."""


def choose(engine: EngineChoice, target: TargetChoice, *, made: Maker | None, why_no_docker: Callable[[], str]) -> Choice:
    """What was asked for, with ``auto`` decided; what is up already is changed by what made it.

    Raises:
        InfraError: what is asked for does not go together, with each other or with what is up.
    """
    if made is not None:
        if engine not in {"auto", made.engine} or target not in {"auto", made.target}:
            raise InfraError(
                f"the deployment was made by the engine {made.engine} on the target {made.target}; "
                "take it down first, or leave --engine and --target away"
            )
        return Choice(made)
    why_not, reason = "with the engine embedded, containers have to be asked for", ""
    if engine != "embedded" and (target == "auto" or (engine, target) == ("auto", "docker")):
        why_not = why_no_docker()
    if target == "auto":
        reason = why_not or "a Docker daemon, the Pulumi CLI and its plugin for Docker are here"
        target = "process" if why_not else "docker"
    elif (engine, target) == ("auto", "docker"):
        reason = why_not  # by Pulumi; the embedded engine takes the daemon alone
    if engine == "auto":
        engine = "pulumi" if target == "docker" and not why_not else "embedded"
    return Choice(Maker(engine=engine, target=target), reason)


def made_by(home: Home) -> Maker | None:
    """What the deployment in ``home`` was made by; None where nothing of it is there.

    Raises:
        StateError: the file is damaged.
    """
    known = read_json(home.maker_file)
    try:
        return Maker.model_validate(known) if known else None
    except ValidationError:
        raise StateError(f"{home.maker_file} is damaged; `python -m infra down --volumes` removes the deployment") from None


def write_down(home: Home, maker: Maker) -> None:
    """Remember what the deployment is made by."""
    write_private(home.maker_file, json.dumps(maker.model_dump()))

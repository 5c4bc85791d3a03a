"""Which engine and target are taken, and what is said of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.engines.choosing import Choice, EngineChoice, Maker, TargetChoice, choose, made_by, write_down
from infra.errors import InfraError, StateError
from infra.home import Home

EMBEDDED = Maker(engine="embedded", target="process")
PULUMI = Maker(engine="pulumi", target="process")
DOCKER = Maker(engine="pulumi", target="docker")
EMBEDDED_DOCKER = Maker(engine="embedded", target="docker")
NO_DAEMON = "no Docker daemon answers"
NO_PLUGIN = "Pulumi has no plugin for Docker here"


@pytest.mark.parametrize(
    ("engine", "target", "why_no_docker", "choice"),
    [
        ("auto", "auto", NO_DAEMON, Choice(EMBEDDED, NO_DAEMON)),
        ("auto", "auto", "", Choice(DOCKER, "a Docker daemon, the Pulumi CLI and its plugin for Docker are here")),
        ("pulumi", "auto", NO_DAEMON, Choice(PULUMI, NO_DAEMON)),
        ("embedded", "auto", "", Choice(EMBEDDED, "with the engine embedded, containers have to be asked for")),
        ("auto", "process", "", Choice(EMBEDDED)),
        ("pulumi", "process", "", Choice(PULUMI)),
        ("auto", "docker", "", Choice(DOCKER)),
        ("auto", "docker", NO_PLUGIN, Choice(EMBEDDED_DOCKER, NO_PLUGIN)),
        ("embedded", "docker", "", Choice(EMBEDDED_DOCKER)),
        ("pulumi", "docker", NO_PLUGIN, Choice(DOCKER)),
    ],
)
def test_auto_takes_docker_where_it_can_and_says_why(
    engine: EngineChoice, target: TargetChoice, why_no_docker: str, choice: Choice
) -> None:
    """Neither processes nor containers need a CLI; what was asked for is not explained."""
    assert choose(engine, target, made=None, why_no_docker=lambda: why_no_docker) == choice


def test_the_machine_is_only_looked_at_where_it_matters() -> None:
    """Nobody asks for a daemon or a CLI to bring up processes, nor for what was asked for in full."""

    def never() -> str:
        raise AssertionError

    for engine, target in (("auto", "process"), ("embedded", "auto"), ("pulumi", "docker")):
        choose(engine, target, made=None, why_no_docker=never)  # type: ignore[arg-type]  # mypy joins the literals to str
    choose("auto", "auto", made=PULUMI, why_no_docker=never)


def test_what_is_up_is_changed_by_what_made_it() -> None:
    """Auto is its engine and target; another one is refused with the mend."""
    assert choose("auto", "auto", made=PULUMI, why_no_docker=str) == Choice(PULUMI)
    assert choose("pulumi", "process", made=PULUMI, why_no_docker=str) == Choice(PULUMI)
    with pytest.raises(InfraError, match="made by the engine pulumi on the target process; take it down first"):
        choose("embedded", "auto", made=PULUMI, why_no_docker=str)


def test_what_made_a_deployment_is_read_again(tmp_path: Path) -> None:
    """Nothing is written where nothing was made; a damaged file is said, with the way out."""
    home = Home(tmp_path)
    assert made_by(home) is None
    write_down(home, PULUMI)
    assert made_by(home) == PULUMI
    home.maker_file.write_text('{"engine": "terraform"}')
    with pytest.raises(StateError, match="damaged; `python -m infra down --volumes`"):
        made_by(home)

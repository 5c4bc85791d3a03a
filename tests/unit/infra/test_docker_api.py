"""What a Docker engine refuses is an error of ours."""

from __future__ import annotations

import gc
from pathlib import Path

import docker.errors
import pytest

from infra.docker_api import connect, translated
from infra.errors import DockerError


@translated()
def refused() -> None:
    """As the engine's client does it."""
    raise docker.errors.APIError("409 Client Error", explanation="container is not running")


def test_a_refusal_is_told_in_the_engines_words() -> None:
    """Whoever breaks and heals containers handles the lab's errors alone."""
    with pytest.raises(DockerError, match="refuses: container is not running"):
        refused()


def test_where_no_engine_answers_it_is_said_where_and_no_socket_stays_open(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The client's own way leaves its socket to the garbage collector, which pytest makes an error of."""
    host = f"unix://{tmp_path / 'docker.sock'}"
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(DockerError, match=f"no Docker engine answers this user at {host}; start it, or set DOCKER_HOST"):
        connect()
    gc.collect()

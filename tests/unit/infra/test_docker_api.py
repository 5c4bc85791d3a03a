"""What a Docker engine refuses is an error of ours."""

from __future__ import annotations

import docker.errors
import pytest

from infra.docker_api import translated
from infra.errors import DockerError


@translated()
def refused() -> None:
    """As the engine's client does it."""
    raise docker.errors.APIError("409 Client Error", explanation="container is not running")


def test_a_refusal_is_told_in_the_engines_words() -> None:
    """Whoever breaks and heals containers handles the lab's errors alone."""
    with pytest.raises(DockerError, match="refuses: container is not running"):
        refused()

"""What is in the images, and what is not."""

from __future__ import annotations

import json

import docker
import pytest

from infra.errors import ImageError
from infra.images.build import build
from infra.images.recipe import Image, reference

_LEFT_BEHIND = (
    "command -v gcc cc pip pip3",
    "ls /ca.pem /etc/ssl/certs/ca-certificates.crt",
    "find /var/lib/apt/lists /var/log /var/cache/apt/archives -type f -name '*[a-z]*' ! -name lock",
    "find / -xdev -name '.erlang.cookie' -o -xdev -name 'ssl-cert-snakeoil*'",
)
"""Commands that find nothing: no compiler, no installer, nothing of the building machine, no secret that all containers would share."""


@pytest.mark.parametrize("image", list(Image))
def test_an_image_runs_as_a_user_and_says_how_it_is_asked_for_its_health(client: docker.DockerClient, image: Image) -> None:
    """The load generator is no server and is not asked."""
    found = client.images.get(reference(image))
    config = found.attrs["Config"]
    assert config["User"] == "spirelab"
    assert config["Entrypoint"][:2] == ["tini", "--"]
    assert config["Healthcheck"]["Test"] == (["NONE"] if image is Image.LOAD else ["CMD", "healthy"])


@pytest.mark.parametrize("command", _LEFT_BEHIND)
@pytest.mark.parametrize("image", list(Image))
def test_nothing_is_left_behind_in_an_image(client: docker.DockerClient, image: Image, command: str) -> None:
    """Neither in its files nor in what tells how it was built."""
    output = client.containers.run(reference(image), ["-c", f"{command} 2> /dev/null; true"], entrypoint="sh", remove=True, user="root")
    assert output.decode().split() == []
    assert "proxy" not in json.dumps(client.images.get(reference(image)).history()).lower()


def test_the_load_generator_starts(client: docker.DockerClient) -> None:
    """All that it imports is there."""
    assert b"--schedule" in client.containers.run(reference(Image.LOAD), ["--help"], remove=True)


def test_images_that_are_there_are_not_built_again(client: docker.DockerClient) -> None:
    """Their inputs have not changed."""
    base, built = build(client, print)
    assert [each.seconds for each in built] == [0.0] * len(Image)
    assert base.origin.startswith(("pulled as", "made here from Debian's packages by mmdebstrap"))


def test_a_base_that_can_be_neither_pulled_nor_made_is_refused(client: docker.DockerClient) -> None:
    """Nothing else is taken in its place."""
    with pytest.raises(ImageError, match="can't be pulled, and only debian:trixie-slim can be made instead"):
        build(client, print, base="spirelab.invalid/none:1")

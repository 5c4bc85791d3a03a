"""Builds the images that are missing, through the engine's API and its own builder: neither buildx nor BuildKit is needed."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import docker
import docker.errors
from pydantic_settings import BaseSettings, SettingsConfigDict

from infra.errors import ImageError
from infra.images import recipe
from infra.images.base import BASE, Base, ensure_base
from infra.images.recipe import Image

BASE_LABEL = "spirelab.base"
"""The base's id: with another one an image is built anew under the same name."""
BUILD_TIMEOUT_S = 1800
"""For one answer of the engine: a step of a build may be silent for long."""
_LOG_LINES = 20


class Proxies(BaseSettings):
    """The proxies of this machine, in the variables that everybody reads; Docker keeps these out of the images it builds."""

    model_config = SettingsConfigDict(frozen=True)

    http_proxy: str | None = None
    https_proxy: str | None = None
    no_proxy: str | None = None


@dataclass(frozen=True)
class Built:
    """One image that is there."""

    image: Image
    reference: str
    size_bytes: int
    seconds: float
    """Of the build; 0 where it was there."""


def build(
    client: docker.DockerClient, say: Callable[[str], None], *, images: Iterable[Image] = Image, base: str = BASE
) -> tuple[Base, list[Built]]:
    """Make sure that each image is there as its inputs are now, on the base as it is now.

    Raises:
        ImageError: the base can't be had, or a build failed.
    """
    foundation = ensure_base(client, base, say)
    return foundation, [_ensure(client, image, base, foundation, say) for image in images]


def _ensure(client: docker.DockerClient, image: Image, base: str, foundation: Base, say: Callable[[str], None]) -> Built:
    reference = recipe.reference(image)
    began = time.monotonic()
    try:
        found = client.images.get(reference)
        if found.labels.get(BASE_LABEL) == foundation.id:
            return Built(image, reference, found.attrs["Size"], 0.0)
    except docker.errors.ImageNotFound:
        pass
    say(f"building {reference}")
    _run(client, image, reference, base, foundation)
    return Built(image, reference, client.images.get(reference).attrs["Size"], time.monotonic() - began)


def _run(client: docker.DockerClient, image: Image, reference: str, base: str, foundation: Base) -> None:
    proxies = {name: value for name, value in Proxies().model_dump().items() if value}
    steps = client.api.build(
        fileobj=recipe.context(_trusted()),
        custom_context=True,
        dockerfile=str(recipe.RECIPE),
        target=image.value,
        tag=reference,
        labels={BASE_LABEL: foundation.id},
        buildargs={"BASE": base, **proxies, **{name.upper(): value for name, value in proxies.items()}},
        rm=True,
        forcerm=True,
        decode=True,
    )
    log = ""
    for step in steps:
        log += step.get("stream", "")
        if "error" in step:
            lines = [line for line in (log + step["error"]).splitlines() if line.strip()][-_LOG_LINES:]
            raise ImageError(f"{reference} could not be built; the end of its log:\n" + "\n".join(f"    {line}" for line in lines))


def _trusted() -> bytes:
    """The certificates that this machine trusts, with ``SSL_CERT_FILE`` taken into account."""
    paths = ssl.get_default_verify_paths()
    return Path(paths.cafile).read_bytes() if paths.cafile else b""

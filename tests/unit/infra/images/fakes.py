"""A Docker engine that remembers what it was asked to build."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import docker
from docker.errors import APIError, ImageNotFound

BASE_ID = "sha256:base"


@dataclass
class FakeImage:
    """An image of the engine."""

    id: str = "sha256:image"
    labels: dict[str, str] = field(default_factory=dict)
    attrs: dict[str, Any] = field(default_factory=lambda: {"Size": 1, "RepoDigests": []})


@dataclass
class FakeEngine:
    """Its images by name, and the builds it carried out; ``registry`` has what can be pulled."""

    known: dict[str, FakeImage] = field(default_factory=dict)
    registry: dict[str, FakeImage] = field(default_factory=dict)
    builds: list[dict[str, Any]] = field(default_factory=list)
    steps: list[dict[str, str]] = field(default_factory=lambda: [{"stream": "Step 1/1"}])

    @property
    def client(self) -> docker.DockerClient:
        """The engine as the code under test sees it."""
        return cast("docker.DockerClient", self)

    @property
    def images(self) -> FakeEngine:
        """The collection of images."""
        return self

    @property
    def api(self) -> FakeEngine:
        """The low-level API."""
        return self

    def get(self, name: str) -> FakeImage:
        """An image that is there."""
        if name not in self.known:
            raise ImageNotFound(name)
        return self.known[name]

    def pull(self, name: str) -> FakeImage:
        """An image of the registry."""
        if name not in self.registry:
            raise APIError("no route to the registry")
        return self.registry[name]

    def build(self, **arguments: Any) -> list[dict[str, str]]:
        """Remember the arguments."""
        self.builds.append(arguments)
        self.known[arguments["tag"]] = FakeImage(labels=arguments["labels"])
        return self.steps

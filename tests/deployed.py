"""A deployment for tests to share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from infra import operations
from infra.deployment import Deployment
from infra.topology import Topology
from tests.conftest import unique_name


@contextmanager
def deployed(topology: Topology) -> Iterator[Deployment]:
    """One that is up, under a name of its own; taken down with its data, also where it never came up."""
    name = unique_name()
    try:
        yield operations.up(name, topology, owner=True)
    finally:
        operations.down(name, volumes=True)

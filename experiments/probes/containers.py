"""Processor time and memory of each container, as its engine counts them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from experiments.errors import ProbeError
from experiments.probes.sampler import Reading
from infra.deployment import Usage
from infra.errors import NodeError


class ContainerProbe:
    """Reads the statistics of every container of a deployment."""

    name: Final = "containers"

    def __init__(self, read_usage: Callable[[], Mapping[str, Usage]]) -> None:
        """``read_usage`` gives what each running node has used."""
        self._read_usage = read_usage

    def read(self) -> list[Reading]:
        """Processor seconds and bytes in use of every node that runs.

        Raises:
            ProbeError: the engine does not tell.
        """
        try:
            usages = self._read_usage()
        except NodeError as error:
            raise ProbeError(str(error)) from None
        return [
            reading
            for node, usage in usages.items()
            for reading in (Reading(node, "cpu_seconds", usage.cpu_s), Reading(node, "memory_bytes", float(usage.memory_bytes)))
        ]

    def close(self) -> None:
        """Holds nothing."""

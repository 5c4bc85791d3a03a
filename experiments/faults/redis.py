"""Faults of Redis: everything forgotten, every write refused."""

from __future__ import annotations

from typing import Final

import redis
from pydantic import SecretStr

from experiments.errors import FaultError
from experiments.faults.interfaces import NodeControl
from experiments.faults.looking import await_no_doubt
from experiments.faults.processes import healthy
from experiments.probes.redis import connect
from infra.deployment import Node
from infra.topology import CACHE_EVICTION_POLICY

MARKER: Final = "spirelab:fault"
MARKER_TTL_S: Final = 3600
PROOF_TIMEOUT_S: Final = 5.0


class _RedisFault:
    def __init__(self, node: Node, control: NodeControl, url: SecretStr) -> None:
        self._node = node
        self._control = control
        self._url = url

    def health(self) -> str:
        """A write is taken and the node's readiness checks pass."""
        text = healthy({self._node.name: self._node}, self._control)
        await_no_doubt(lambda: f"a write is refused ({refused})" if (refused := self._refused()) else None, PROOF_TIMEOUT_S)
        return f"{text}, a write is taken"

    def _refused(self) -> str:
        """Why a write on a connection of its own is not taken; empty if it is."""
        try:
            with connect(self._url) as client:
                client.set(MARKER, 1, ex=MARKER_TTL_S)
        except redis.RedisError as error:
            return str(error)
        return ""


class Flush(_RedisFault):
    """FLUSHALL; under load the cache fills again at once, so a marker that was set before tells."""

    def inject(self) -> None:
        """Set the marker, and flush.

        Raises:
            FaultError: Redis doesn't answer.
        """
        if reason := self._refused():
            raise FaultError(f"the marker can't be set ({reason})")
        try:
            with connect(self._url) as client:
                client.flushall()
        except redis.RedisError as error:
            raise FaultError(f"{self._node.name} could not be flushed ({error})") from None

    def proof(self) -> str:
        """The marker is gone.

        Raises:
            FaultError: it is there.
        """
        try:
            with connect(self._url) as client:
                outlived, keys = client.exists(MARKER), client.dbsize()
        except redis.RedisError as error:
            raise FaultError(f"{self._node.name} doesn't tell whether it was flushed ({error})") from None
        if outlived:
            raise FaultError(f"a key from before the flush is still in {self._node.name}")
        return f"a key from before the flush is gone; {keys} keys now"

    def heal(self) -> None:
        """Nothing: what was forgotten comes back by itself."""


class MemoryFull(_RedisFault):
    """One byte of memory and no eviction: reads are answered, writes are refused."""

    def __init__(self, node: Node, control: NodeControl, url: SecretStr, *, memory_mib: int) -> None:
        super().__init__(node, control, url)
        self._memory_mib = memory_mib

    def inject(self) -> None:
        """Stop eviction first, or everything would be evicted.

        Raises:
            FaultError: Redis refuses writes as it is.
        """
        if reason := self._refused():
            raise FaultError(f"{self._node.name} refuses a write before its memory is full ({reason})")
        self._configure(("maxmemory-policy", "noeviction"), ("maxmemory", "1"))

    def proof(self) -> str:
        """A write is refused for want of memory.

        Raises:
            FaultError: it is taken, or refused for another reason.
        """
        reason = self._refused()
        if "maxmemory" not in reason:
            raise FaultError(f"a write to {self._node.name} is not refused for want of memory ({reason or 'it was taken'})")
        return f"a write is refused: {reason}"

    def heal(self) -> None:
        """Give the memory back, then allow eviction."""
        self._control.start_node(self._node.name)
        self._configure(("maxmemory", f"{self._memory_mib}mb"), ("maxmemory-policy", CACHE_EVICTION_POLICY))

    def _configure(self, *settings: tuple[str, str]) -> None:
        try:
            with connect(self._url) as client:
                for name, value in settings:
                    client.config_set(name, value)
        except redis.RedisError as error:
            raise FaultError(f"{self._node.name} could not be configured ({error})") from None

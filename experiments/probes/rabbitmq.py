"""Depth and consumers of the enrolment queue, by RabbitMQ's management API."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

import httpx
from pydantic import SecretStr

from experiments.errors import ProbeError
from experiments.probes.sampler import Reading

TIMEOUT_S: Final = 2.0
"""The page takes milliseconds."""


class RabbitmqProbe:
    """Messages ready or unacknowledged in all queues of the deployment's virtual host, and the consumers that it has.

    RabbitMQ counts messages when it gathers statistics: for a quorum queue every 5 s, so a reading may be that old and older. Of consumers
    it keeps a list, which says at once who has gone.
    """

    name: Final = "rabbitmq"

    def __init__(self, management_url: SecretStr, vhost: str, node: str) -> None:
        self._vhost = quote(vhost, safe="")
        self._node = node
        self._client = httpx.Client(base_url=management_url.get_secret_value(), timeout=TIMEOUT_S, trust_env=False)

    def read(self) -> list[Reading]:
        """Both now.

        Raises:
            ProbeError: the management API doesn't answer.
        """
        queues = self._list("queues", columns="name,messages")
        return [
            Reading(self._node, "queue_messages", float(sum(queue.get("messages", 0) for queue in queues))),
            Reading(self._node, "queue_consumers", float(len(self._list("consumers")))),
        ]

    def _list(self, what: str, **parameters: str) -> list[dict[str, Any]]:
        try:
            answer = self._client.get(f"/api/{what}/{self._vhost}", params=parameters)
            answer.raise_for_status()
            found: list[dict[str, Any]] = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise ProbeError(f"RabbitMQ's management API doesn't answer ({type(error).__name__})") from None
        return found

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

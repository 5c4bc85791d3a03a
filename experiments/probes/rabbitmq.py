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
    """Messages ready or unacknowledged in all queues, and their consumers, of the deployment's virtual host.

    RabbitMQ counts them when it gathers statistics, so a reading may be as old as its collection interval.
    """

    name: Final = "rabbitmq"

    def __init__(self, management_url: SecretStr, vhost: str, node: str) -> None:
        self._path = f"/api/queues/{quote(vhost, safe='')}"
        self._node = node
        self._client = httpx.Client(base_url=management_url.get_secret_value(), timeout=TIMEOUT_S, trust_env=False)

    def read(self) -> list[Reading]:
        """Both now.

        Raises:
            ProbeError: the management API doesn't answer.
        """
        try:
            answer = self._client.get(self._path, params={"columns": "name,messages,consumers"})
            answer.raise_for_status()
            queues: list[dict[str, Any]] = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise ProbeError(f"RabbitMQ's management API doesn't answer ({type(error).__name__})") from None
        return [
            Reading(self._node, metric, float(sum(queue.get(column, 0) for queue in queues)))
            for metric, column in (("queue_messages", "messages"), ("queue_consumers", "consumers"))
        ]

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

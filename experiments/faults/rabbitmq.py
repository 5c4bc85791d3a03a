"""Faults of RabbitMQ: its memory and its disk alarm, which block whoever publishes, and the loss of its queues."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import httpx
from pydantic import SecretStr

from experiments.errors import FaultError
from experiments.faults.interfaces import NodeControl
from experiments.faults.looking import await_no_doubt
from experiments.faults.processes import healthy
from infra.deployment import Node

ALARMS_PATH: Final = "/api/health/checks/local-alarms"
ANSWER_TIMEOUT_S: Final = 5.0
ALARM_TIMEOUT_S: Final = 15.0
"""RabbitMQ looks at its memory once a second, and is slow to answer on a busy machine."""
MORE_THAN_ANY_DISK_BYTES: Final = 10**15
QUEUES_TIMEOUT_S: Final = 15.0
"""Clients notice the loss of a queue at once, but for one that hangs."""
MARKER: Final = "spirelab.fault"
"""A queue that is lost with the others: they come back within milliseconds, so that their own absence is hard to see."""
_DECLARE: Final = (
    '{{new, _}} = rabbit_amqqueue:declare(rabbit_misc:r(<<"{vhost}">>, queue, <<"{name}">>), true, false, [], none, <<"lab">>), ok.'
)
_DELETE_ALL: Final = '[{{ok, _}} = rabbit_amqqueue:delete(Q, false, false, <<"lab">>) || Q <- rabbit_amqqueue:list(<<"{vhost}">>)], ok.'
_NO_MEMORY: Final = "0.000001"
"""Of the machine's memory; 0 blocks too, and a later version may refuse it."""
_RESET: Final = "{module}:{setter}(element(2, application:get_env(rabbit, {setting})))."
"""The value that the server was configured with, which the setters leave as it is."""


class _Alarm:
    _resource: str
    """As the management API's word for it begins: later versions of RabbitMQ say more or less of it."""
    _raise: tuple[str, ...]
    _lower: str

    def __init__(self, node: Node, control: NodeControl, management_url: SecretStr) -> None:
        self._node = node
        self._control = control
        self._management_url = management_url

    def inject(self) -> None:
        """Raise the alarm.

        Raises:
            FaultError: it is raised already.
        """
        if self._is_raised():
            raise FaultError(f"{self._node.name} has a {self._resource} alarm already")
        self._control.rabbitmqctl(self._node.name, *self._raise)

    def proof(self) -> str:
        """The management API tells of the alarm."""
        await_no_doubt(lambda: None if self._is_raised() else f"{self._node.name} has no {self._resource} alarm", ALARM_TIMEOUT_S)
        return f"the management API tells of a {self._resource} alarm"

    def heal(self) -> None:
        """Set the threshold to what is configured; a server that has ended is started with it."""
        self._control.start_node(self._node.name)
        self._control.rabbitmqctl(self._node.name, "eval", self._lower)

    def health(self) -> str:
        """The node is ready and tells of no such alarm."""
        text = healthy({self._node.name: self._node}, self._control)
        await_no_doubt(lambda: f"{self._node.name} still has a {self._resource} alarm" if self._is_raised() else None, ALARM_TIMEOUT_S)
        return f"{text}, no {self._resource} alarm"

    def _is_raised(self) -> bool:
        try:
            answer = httpx.get(self._management_url.get_secret_value() + ALARMS_PATH, timeout=ANSWER_TIMEOUT_S, trust_env=False)
            if answer.status_code == HTTPStatus.OK:
                return False
            return any(str(alarm["resource"]).startswith(self._resource) for alarm in answer.json()["alarms"])
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise FaultError(f"the management API of {self._node.name} doesn't tell its alarms ({type(error).__name__})") from None


class MemoryAlarm(_Alarm):
    """A high watermark below what the server uses."""

    _resource = "memory"
    _raise = ("set_vm_memory_high_watermark", _NO_MEMORY)
    _lower = _RESET.format(module="vm_memory_monitor", setter="set_vm_memory_high_watermark", setting="vm_memory_high_watermark")


class BrokerDiskFull(_Alarm):
    """A limit of free space above what any disk has."""

    _resource = "disk"
    _raise = ("set_disk_free_limit", str(MORE_THAN_ANY_DISK_BYTES))
    _lower = _RESET.format(module="rabbit_disk_monitor", setter="set_disk_free_limit", setting="disk_free_limit")


class QueueLoss:
    """Every queue of the deployment's virtual host is deleted."""

    def __init__(self, node: Node, control: NodeControl, management_url: SecretStr, vhost: str) -> None:
        self._node = node
        self._control = control
        self._queues_url = f"{management_url.get_secret_value()}/api/queues/{quote(vhost, safe='')}"
        self._vhost = vhost
        self._lost: frozenset[str] = frozenset()

    def inject(self) -> None:
        """Declare the marker, and delete all queues.

        Raises:
            FaultError: the management API doesn't tell which there are.
        """
        self._lost = self._queues()
        declare = _DECLARE.format(vhost=self._vhost, name=MARKER)
        self._control.rabbitmqctl(self._node.name, "eval", declare.removesuffix("ok.") + _DELETE_ALL.format(vhost=self._vhost))

    def proof(self) -> str:
        """The marker is gone.

        Raises:
            FaultError: it is there.
        """
        queues = self._queues()
        if MARKER in queues:
            raise FaultError(f"a queue from before the loss is still in {self._node.name}")
        return f"a queue from before the loss is gone; {len(queues)} queues now"

    def heal(self) -> None:
        """Nothing: clients declare their queues anew."""

    def health(self) -> str:
        """The node is ready, and the queues that were lost are there again."""
        text = healthy({self._node.name: self._node}, self._control)
        await_no_doubt(self._missing, QUEUES_TIMEOUT_S)
        return f"{text}, {len(self._lost)} queues declared anew"

    def _missing(self) -> str | None:
        missing = sorted(self._lost - self._queues())
        return f"nobody has declared {', '.join(missing)} anew in {self._node.name}" if missing else None

    def _queues(self) -> frozenset[str]:
        try:
            answer = httpx.get(self._queues_url, params={"columns": "name"}, timeout=ANSWER_TIMEOUT_S, trust_env=False)
            answer.raise_for_status()
            queues: list[dict[str, Any]] = answer.json()
            return frozenset(str(queue["name"]) for queue in queues)
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise FaultError(f"the management API of {self._node.name} doesn't tell its queues ({type(error).__name__})") from None

"""Faults of links: the proxy is told the conditions, and an exchange through the link, beside one past it, shows that they hold."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import quote

import httpx
from pydantic import SecretStr, TypeAdapter

from experiments.definition import LinkFault, LinkFaultKind
from experiments.errors import FaultError
from experiments.faults.bulk import BULK_KIB, LEAST_DELAYED_KIB, transfer
from experiments.faults.exchange import exchange
from experiments.faults.interfaces import LinkControl
from experiments.faults.looking import await_no_doubt, each
from infra.deployment import Deployment, Link, Node
from infra.links.conditions import NORMAL, Conditions, Direction, LinkState
from infra.links.control import TOKEN_HEADER

CONTROL_TIMEOUT_S: Final = 15.0
"""The proxy answers in a millisecond, but shares the machine with what the fault keeps busy."""
SILENCE_S: Final = 0.5
"""A server answers an opening in a few milliseconds."""
PATIENCE_S: Final = 30.0
ATTEMPTS: Final = 5
"""The fastest of so many exchanges says what the link adds, and not what the machine was busy with."""
HEALTH_TIMEOUT_S: Final = 20.0
ENOUGH_S: Final = 1.0
"""Of exchanges: a longer proof would hold up the heal, and a machine that is only busy would have to stand still for all that time."""
_MS_PER_S: Final = 1000
_US_PER_MS: Final = 1000
_GATEWAY: Final = "gateway"
_STATES = TypeAdapter(tuple[LinkState, ...])


class HttpLinkControl:
    """The control side of a deployment's proxy program."""

    def __init__(self, url: SecretStr, token: SecretStr) -> None:
        self._url = url
        self._token = token

    def set(self, link: str, conditions: Conditions) -> None:
        """Let the conditions hold on the link."""
        self._ask("PUT", f"/links/{quote(link, safe='')}", conditions.model_dump_json())

    def states(self) -> Sequence[LinkState]:
        """Every link as it is."""
        return _STATES.validate_json(self._ask("GET", "/links"))

    def _ask(self, method: str, path: str, body: str | None = None) -> bytes:
        headers = {TOKEN_HEADER: self._token.get_secret_value()}
        try:
            answer = httpx.request(
                method, self._url.get_secret_value() + path, content=body, headers=headers, timeout=CONTROL_TIMEOUT_S, trust_env=False
            )
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise FaultError(f"the links don't obey ({error})") from None
        return answer.content


def hold_back(deployment: Deployment, delay_us: float) -> None:
    """Let the links between the gateway and the services hold every answer back for so long; 0 makes them normal.

    Raises:
        FaultError: The deployment has no links, or they don't obey.
    """
    credentials = deployment.credentials
    if credentials.links_url is None or credentials.links_token is None:
        raise FaultError(f"a delay needs links, and the deployment {deployment.name!r} has none")
    control = HttpLinkControl(credentials.links_url, credentials.links_token)
    conditions = Conditions(latency_ms=delay_us / _US_PER_MS, direction=Direction.TO_CLIENT) if delay_us else NORMAL
    for link in deployment.links:
        if link.client == _GATEWAY:
            control.set(link.name, conditions)


class LinkDisturbance:
    """The same conditions on one or several links."""

    def __init__(self, fault: LinkFault, links: Sequence[str], deployment: Deployment, control: LinkControl) -> None:
        self._fault = fault
        self._links = {link.name: link for link in deployment.links if link.name in links}
        self._deployment = deployment
        self._control = control

    def inject(self) -> None:
        """Let the conditions hold on each link."""
        for name in self._links:
            self._control.set(name, self._fault.conditions)

    def proof(self) -> str:
        """What an exchange through each link meets, while the server itself answers.

        Raises:
            FaultError: it meets nothing.
        """
        return "; ".join(each(self._links, self._proof_of))

    def heal(self) -> None:
        """Make each link normal."""
        for name in self._links:
            self._control.set(name, NORMAL)

    def health(self) -> str:
        """Each link says that it is normal, and an exchange through it is answered."""
        changed = [state.name for state in self._control.states() if state.name in self._links and state.conditions != NORMAL]
        if changed:
            raise FaultError(f"the link {changed[0]} is not normal")
        each(self._links, lambda name: await_no_doubt(lambda: self._unanswered(self._links[name]), HEALTH_TIMEOUT_S))
        return f"{', '.join(self._links)} normal and answered"

    def _proof_of(self, name: str) -> str:
        link = self._links[name]
        server = self._deployment.node(link.server)
        match self._fault.kind:
            case LinkFaultKind.LATENCY:
                return self._slowness(link, server)
            case LinkFaultKind.BANDWIDTH:
                return self._narrowness(link, server)
            case LinkFaultKind.SILENT:
                expected: type[OSError] = TimeoutError
            case LinkFaultKind.REFUSED:
                expected = ConnectionRefusedError
            case LinkFaultKind.RESET:
                expected = ConnectionResetError
        try:
            exchange(link.host, link.port, server.role, SILENCE_S)
        except expected:
            return f"{name}: {_WORDS[self._fault.kind]}{self._beside(link, server)}"
        except OSError as error:
            raise FaultError(f"{name} is not {self._fault.kind}: {error}") from None
        raise FaultError(f"{name} is not {self._fault.kind}: an exchange is answered")

    def _slowness(self, link: Link, server: Node) -> str:
        ways = 2 if self._fault.direction is Direction.BOTH else 1
        least_s = ways * (self._fault.latency_ms - self._fault.jitter_ms) / _MS_PER_S
        try:
            through_s = fastest(lambda: exchange(link.host, link.port, server.role, PATIENCE_S))
            past_s = fastest(lambda: exchange(link.server_host, link.server_port, server.role, PATIENCE_S))
        except OSError as error:
            raise FaultError(f"{link.name} doesn't answer, so nothing tells how slow it is: {error}") from None
        return _slower(link.name, through_s, past_s, least_s)

    def _narrowness(self, link: Link, server: Node) -> str:
        limit = self._fault.bandwidth_kib_per_s
        if limit is None:
            raise FaultError(f"{self._fault.title} has no limit")
        through_s = fastest(lambda: transfer(link.host, link.port, server, self._deployment.credentials))
        past_s = fastest(lambda: transfer(link.server_host, link.server_port, server, self._deployment.credentials))
        return _slower(f"{link.name}, {BULK_KIB} KiB", through_s, past_s, LEAST_DELAYED_KIB / limit)

    def _beside(self, link: Link, server: Node) -> str:
        with contextlib.suppress(OSError):
            exchange(link.server_host, link.server_port, server.role, PATIENCE_S)
            return f" (past it {server.name} answers)"
        raise FaultError(f"{server.name} doesn't answer past the link either, so nothing tells what the link does")

    def _unanswered(self, link: Link) -> str | None:
        try:
            exchange(link.host, link.port, self._deployment.node(link.server).role, HEALTH_TIMEOUT_S)
        except OSError as error:
            return f"{link.name} is not healed: {error}"
        return None


_WORDS: Final = {
    LinkFaultKind.SILENT: f"no answer in {SILENCE_S:g} s",
    LinkFaultKind.REFUSED: "the connection is refused",
    LinkFaultKind.RESET: "the connection is reset",
}


def fastest(measure: Callable[[], float]) -> float:
    """The least of up to ATTEMPTS times in seconds; fewer where they have taken ENOUGH_S together."""
    times_s = [measure()]
    while len(times_s) < ATTEMPTS and sum(times_s) < ENOUGH_S:
        times_s.append(measure())
    return min(times_s)


def _slower(name: str, through_s: float, past_s: float, least_s: float) -> str:
    if through_s < least_s:
        raise FaultError(f"{name} took {through_s * _MS_PER_S:.1f} ms, less than the {least_s * _MS_PER_S:.1f} ms that the fault takes")
    if past_s >= least_s:
        raise FaultError(f"{name} takes {past_s * _MS_PER_S:.1f} ms past the link too; the machine is too busy to tell")
    return f"{name}: {through_s * _MS_PER_S:.1f} ms, at least {least_s * _MS_PER_S:.1f}; past the link {past_s * _MS_PER_S:.1f} ms"

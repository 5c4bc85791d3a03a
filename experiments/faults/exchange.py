"""The shortest conversation with each kind of server that needs no password: is there an answer, and after how long?"""

from __future__ import annotations

import ipaddress
import socket
import struct
import time
from collections.abc import Mapping
from typing import Final

from infra.deployment import Role

_SSL_REQUEST_CODE: Final = 80877103
"""Of PostgreSQL's protocol; the answer is one byte, before any authentication."""
_HTTP: Final = b"GET /healthz HTTP/1.0\r\n\r\n"
OPENINGS: Final[Mapping[Role, bytes]] = {
    Role.SERVICE: _HTTP,
    Role.GATEWAY: _HTTP,
    Role.DATABASE: struct.pack("!ii", 8, _SSL_REQUEST_CODE),
    Role.CACHE: b"PING\r\n",
    Role.BROKER: b"AMQP\x00\x00\x09\x01",
}
"""What a client says first, by the server's role; whatever comes back is an answer."""


def exchange(host: str, port: int, role: Role, timeout_s: float) -> float:
    """Seconds from the attempt to connect until the answer begins.

    Raises:
        ConnectionRefusedError: nobody listens.
        ConnectionResetError: the connection was accepted, and ended without an answer.
        TimeoutError: no answer in time.
    """
    began_s = time.monotonic()
    with socket.create_connection((host, port), timeout=timeout_s) as connection:
        connection.sendall(OPENINGS[role])
        if not connection.recv(1):
            raise ConnectionResetError("closed without an answer")
    return time.monotonic() - began_s


def refuses(host: str, port: int, timeout_s: float) -> bool:
    """A connection attempt is answered by a refusal, as where nobody listens; or by nobody, where a host of its own is gone.

    The network may take nine seconds to say so of an address that was in use. On loopback silence is no refusal: the machine is there,
    and a listener with a full backlog is silent too.
    """
    try:
        socket.create_connection((host, port), timeout=timeout_s).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return not ipaddress.ip_address(host).is_loopback
    return False

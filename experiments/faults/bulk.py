"""An exchange that is large enough to notice how wide a link is, with each kind of server."""

from __future__ import annotations

import contextlib
import time
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import httpx
import pika  # type: ignore[import-untyped]  # it ships annotations without the py.typed marker
import pika.exceptions  # type: ignore[import-untyped]
import psycopg2
import redis
from pydantic import SecretStr

from experiments.errors import FaultError
from experiments.probes.redis import connect
from infra.deployment import Credentials, Node, Role
from infra.links.proxy import CHUNK_BYTES

BULK_KIB: Final = 48
"""What the services read of a body."""
LEAST_DELAYED_KIB: Final = BULK_KIB - CHUNK_BYTES // 1024
"""The link holds up what comes after a chunk, so the last one costs nothing."""
TIMEOUT_S: Final = 60
_BULK: Final = "x" * (BULK_KIB * 1024)
_CREATION: Final = {"courses": "/courses", "students": "/students", "enrollment": "/enroll", "gateway": "/internal/courses/bulk"}
"""Where a body is read before it is refused, by the server's group."""


def transfer(host: str, port: int, server: Node, credentials: Credentials) -> float:
    """Seconds that it takes to have ``BULK_KIB`` taken by the server behind ``host:port``, and answered; it keeps none of it.

    Raises:
        FaultError: it is not answered.
    """
    began_s = time.monotonic()
    try:
        match server.role:
            case Role.DATABASE:
                _to_postgres(_at(credentials.database_dsns[server.group], host, port))
            case Role.CACHE if credentials.cache_url is not None:
                with connect(SecretStr(_at(credentials.cache_url, host, port)), timeout_s=TIMEOUT_S) as client:
                    client.echo(_BULK)
            case Role.BROKER:
                _to_rabbitmq(credentials, host, port)
            case _:
                httpx.post(f"http://{host}:{port}{_CREATION[server.group]}", content=_BULK, timeout=TIMEOUT_S, trust_env=False)
    except (OSError, psycopg2.Error, redis.RedisError, httpx.HTTPError, pika.exceptions.AMQPError) as error:
        raise FaultError(f"{server.name} doesn't take {BULK_KIB} KiB ({type(error).__name__})") from None
    return time.monotonic() - began_s


def _to_postgres(dsn: str) -> None:
    with contextlib.closing(psycopg2.connect(dsn, connect_timeout=TIMEOUT_S)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT length(%s)", (_BULK,))


def _to_rabbitmq(credentials: Credentials, host: str, port: int) -> None:
    """The viewer may not publish, which the server says when it has the whole message."""
    user = urlsplit(credentials.broker_management_url.get_secret_value())
    parameters = pika.ConnectionParameters(
        host,
        port,
        credentials.broker_vhost,
        pika.PlainCredentials(user.username, user.password),
        socket_timeout=TIMEOUT_S,
        stack_timeout=TIMEOUT_S,
        blocked_connection_timeout=TIMEOUT_S,
    )
    connection: Any = pika.BlockingConnection(parameters)
    try:
        channel = connection.channel()
        channel.confirm_delivery()
        with contextlib.suppress(pika.exceptions.ChannelClosedByBroker):
            channel.basic_publish("", "bulk", _BULK.encode())
    finally:
        connection.close()


def _at(url: SecretStr, host: str, port: int) -> str:
    """The same account at another address."""
    parts = urlsplit(url.get_secret_value())
    account = parts.netloc.rpartition("@")[0]
    return urlunsplit(parts._replace(netloc=f"{account}@{host}:{port}"))

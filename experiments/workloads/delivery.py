"""HTTP connections that deliver each request once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from geventhttpclient.client import HTTPClient, HTTPClientPool
from geventhttpclient.response import HTTPSocketPoolResponse
from geventhttpclient.url import URL


class OnceOnlyClient(HTTPClient):
    """A client that never sends a request a second time.

    The library's own sends idempotent requests again, up to once for each connection of its pool, when a server closes the connection
    instead of answering: a generator that repairs failures can't measure them.
    """

    def __init__(self, address: URL, connections: int, on_send: Callable[[], None]) -> None:
        """``on_send`` is called in a request's greenlet when the request is ready to leave.

        What follows is the system's part: the connection, where none is idle, and the answer.
        """
        # No time limits of the sockets' own (gevent takes None for none): each request has one over all.
        no_limit: Any = None
        super().__init__(address.host, address.port, concurrency=connections, connection_timeout=no_limit, network_timeout=no_limit)
        self._on_send = on_send

    def request(self, method: str, request_uri: str, body: Any = b"", headers: Any = None) -> HTTPSocketPoolResponse:
        """Send it over an idle connection or a new one, and read the head of the answer."""
        payload = body.encode() if isinstance(body, str) else body or b""
        head = self._build_request(method, request_uri, body=payload, headers=headers, chunked=False)
        self._on_send()
        connection = self._connection_pool.get_socket()
        try:
            connection.sendall(head.encode("latin-1") + payload)
        except BaseException:
            self._connection_pool.release_socket(connection)
            raise
        return HTTPSocketPoolResponse(connection, self._connection_pool, block_size=self.block_size, method=method)


class OnceOnlyPool(HTTPClientPool):
    """The connections to one gateway, kept open and used again."""

    def __init__(self, gateway_url: str, connections: int, on_send: Callable[[], None]) -> None:
        super().__init__()
        self._client = OnceOnlyClient(URL(gateway_url), connections, on_send)

    def get_client(self, url: str | URL) -> HTTPClient:  # noqa: ARG002 - the library's signature
        """The one client there is; ``url`` has the gateway's address like every other."""
        return self._client

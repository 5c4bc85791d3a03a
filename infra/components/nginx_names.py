"""Replicas that NGINX finds by name, wherever they are now.

NGINX looks names up when it reads its configuration, and never again before 1.27.3; a replica that comes back with another address would
be lost. Its stream module does look up a name given by a variable, for each connection. So each replica gets a socket here, which leads
to wherever its name does, and the upstreams have the sockets for servers: with ``zone``, kept connections, failure counts and retries as
they are. It costs a copy within the gateway. A replica whose name is gone or that can't be reached closes the socket's connection, which
is an error like any other and goes to the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from string import Template

from infra.targets.declaration import Place

_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so"
_BACKLOG = 4096
_STREAM = Template("""\
load_module $module;
stream {
    resolver $resolver valid=1s ipv6=off;
    resolver_timeout ${connect_timeout_ms}ms;
    proxy_connect_timeout ${connect_timeout_ms}ms;
$servers}
""")


def socket_of(place: Place, address: str) -> str:
    """The socket that leads to a replica; the access log has it in place of the replica's address."""
    return f"{place.config}/{address.replace(':', '-')}.sock"


def stream(place: Place, connect_timeout_ms: int, addresses: Sequence[str]) -> str:
    """The blocks before ``http``; nothing where addresses are for good."""
    if place.resolver is None:
        return ""
    servers = (
        f"    server {{ listen unix:{socket_of(place, address)} backlog={_BACKLOG}; set $replica {address}; proxy_pass $replica; }}\n"
        for address in addresses
    )
    return _STREAM.substitute(module=_MODULE, resolver=place.resolver, connect_timeout_ms=connect_timeout_ms, servers="".join(servers))

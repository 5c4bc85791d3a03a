"""The gateway's NGINX configuration, as text."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from string import Template

from infra.components import nginx_names
from infra.components import nginx_problems as problems
from infra.components.base import Config
from infra.targets.declaration import Place

PUBLIC_ROUTES = {"/courses": "courses", "/students": "students", "/enroll": "enrollment"}
INTERNAL_ROUTES = {"/internal/courses": "courses", "/internal/students": "students"}
CONFIGURATION_PATH = "/configuration"
"""On the internal side: answers with the digest of the configuration in force."""
MOST_BODY_KIB = 64
"""What the services read of a public body, too."""
MOST_INTERNAL_BODY_KIB = 1024
"""A batch of reservations with its transcripts."""
_KEEPALIVE_S = 4
"""Idle connections to a replica are closed before a server with uvicorn's default closes them, after 5 s."""
_WORKER_CONNECTIONS = 4096
_MOST_REQUESTS = 1500
"""At work in the whole gateway; each takes two connections, so that even one worker alone never runs out of them."""
_CONNECTIONS_BY_NAME = 2
"""As many again are taken where replicas are found by name."""
_LAST_RESORT_CONNECTIONS = 64
"""To each replica while all are out of rotation: enough to keep a replica busy that can work, and few wait for one that can't."""


class Tuning(Config):
    """How long the gateway waits for a replica, what it does then, and how much it takes on."""

    connect_timeout_ms: int
    read_timeout_ms: int
    tries: int
    max_fails: int
    fail_timeout_s: int
    max_connections: int
    keepalive: int
    rate_limit_per_s: int


_MAIN = Template("""\
daemon off;
$user${by_name}worker_processes 2;
worker_shutdown_timeout 5s;
pid $config/nginx.pid;
error_log stderr warn;
events { worker_connections $worker_connections; }
http {
    default_type application/problem+json;
    server_tokens off;
    client_body_temp_path $config/body;
    proxy_temp_path $config/proxy;
    fastcgi_temp_path $config/fastcgi;
    uwsgi_temp_path $config/uwsgi;
    scgi_temp_path $config/scgi;

    # the client's request id where it is harmless to log, else our own; the same on every try
    map $$http_x_request_id $$correlation_id {
        "~^[A-Za-z0-9._:-]{1,200}$$" $$http_x_request_id;
        default $$request_id;
    }
    log_format access escape=json '{"msec":$$msec,"request_id":"$$correlation_id","method":"$$request_method","uri":"$$request_uri",'
        '"status":$$status,"upstream_addr":"$$upstream_addr","upstream_status":"$$upstream_status",'
        '"request_time":$$request_time,"upstream_response_time":"$$upstream_response_time"}';
$problem_variables
    limit_conn_zone $$server_port zone=requests:32k;
    limit_conn_status 503;
    limit_conn_log_level info;
$rate_limit_zone
    keepalive_requests 1000000;
    large_client_header_buffers 4 8k;
    client_max_body_size ${body_kib}k;
    client_body_buffer_size ${body_kib}k;  # a public body never goes to disk
    client_header_timeout 10s;
    client_body_timeout 10s;
    send_timeout 10s;

    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $$host;
    proxy_set_header X-Request-Id $$correlation_id;
    proxy_set_header X-Forwarded-For $$remote_addr;
    proxy_connect_timeout ${connect_timeout_ms}ms;
    proxy_send_timeout ${read_timeout_ms}ms;
    proxy_read_timeout ${read_timeout_ms}ms;
    # also a POST that was sent is tried again: its Idempotency-Key and the outbox absorb a second delivery. Not on 503: that is the
    # answer of a replica that is overloaded or lacks a dependency. The others are no better off, and it is in good health
    proxy_next_upstream error timeout http_502 http_504 non_idempotent;
    proxy_next_upstream_tries $tries;
    proxy_hide_header X-Request-Id;
    proxy_hide_header X-Content-Type-Options;
$upstreams
    server {
        listen $listen:$listen_port;
        server_name _;
        access_log $access_log access buffer=64k flush=1s;
        add_header X-Request-Id $$correlation_id always;
        add_header Retry-After $$retry_after always;
        add_header Allow $$allow always;
        add_header X-Content-Type-Options nosniff always;
        add_header X-Frame-Options DENY always;
        add_header Referrer-Policy no-referrer always;
        add_header Content-Security-Policy "default-src 'none'; frame-ancestors 'none'" always;
        limit_conn requests $most_requests;
$rate_limit$problems        location = /healthz { access_log off; default_type application/json; return 200 '{"status":"ok"}'; }
$public_routes
        location / { return 404; }
    }

    server {
        listen $listen:$internal_port;
        server_name _;
        access_log off;
        client_max_body_size ${internal_body_kib}k;
$internal_problems        location = $configuration_path { default_type text/plain; return 200 '$digest'; }
$internal_routes
        location / { return 404; }
    }
}
""")


def render(tuning: Tuning, place: Place, listen_port: int, internal_port: int, replicas: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    """The configuration and its digest, by which the gateway says which one is in force.

    ``replicas`` are ``host:port`` by service.
    """
    servers = {name: [server(place, address) for address in addresses] for name, addresses in replicas.items()}
    values = {
        "user": "user root;\n" if place.as_root else "",  # the default user could not enter its own folder
        "by_name": nginx_names.stream(place, tuning.connect_timeout_ms, [each for group in replicas.values() for each in group]),
        "config": place.config,
        "listen": place.listen,
        "access_log": place.access_log,
        "listen_port": listen_port,
        "internal_port": internal_port,
        "configuration_path": CONFIGURATION_PATH,
        "body_kib": MOST_BODY_KIB,
        "worker_connections": _WORKER_CONNECTIONS * (_CONNECTIONS_BY_NAME if place.resolver else 1),
        "most_requests": _MOST_REQUESTS,
        "upstreams": "".join(_upstream(tuning, name, addresses) for name, addresses in servers.items()),
        "public_routes": "".join(_route(path, service) for path, service in PUBLIC_ROUTES.items()),
        "internal_routes": "".join(_route(path, service) for path, service in INTERNAL_ROUTES.items()),
        "problem_variables": problems.variables(),
        "internal_body_kib": MOST_INTERNAL_BODY_KIB,
        "problems": problems.locations(MOST_BODY_KIB),
        "internal_problems": problems.locations(MOST_INTERNAL_BODY_KIB),
        "rate_limit_zone": _rate_limit_zone(tuning),
        "rate_limit": _rate_limit(tuning),
        **tuning.model_dump(),
    }
    digest = hashlib.sha256(_MAIN.substitute(values, digest="").encode()).hexdigest()[:16]
    return _MAIN.substitute(values, digest=digest), digest


def server(place: Place, address: str) -> str:
    """What the configuration and the access log of the gateway in ``place`` call the replica at ``address`` (``host:port``)."""
    return address if place.resolver is None else f"unix:{nginx_names.socket_of(place, address)}"


def _upstream(tuning: Tuning, name: str, addresses: Sequence[str]) -> str:
    """The replicas of a service; where all of several failed lately, each is tried again as its own backup.

    Without the backups NGINX would answer 502 by itself until ``fail_timeout`` is over, although the replicas may only have been slow:
    when all were, none of them is worse than the others. A single server is never taken out of rotation.
    """
    rotation = f"max_fails={tuning.max_fails} fail_timeout={tuning.fail_timeout_s}s max_conns={tuning.max_connections}"
    last_resort = f"backup max_fails=0 max_conns={min(_LAST_RESORT_CONNECTIONS, tuning.max_connections)}"
    servers = "".join(f"        server {address} {rotation};\n" for address in addresses)
    if len(addresses) > 1:
        servers += "".join(f"        server {address} {last_resort};\n" for address in addresses)
    keepalive = f"        keepalive {tuning.keepalive};\n        keepalive_timeout {_KEEPALIVE_S}s;\n" if tuning.keepalive else ""
    return f"    upstream {name} {{\n        zone {name} 128k;\n{servers}{keepalive}    }}\n"


def _rate_limit_zone(tuning: Tuning) -> str:
    if not tuning.rate_limit_per_s:
        return ""
    return (
        f"    limit_req_zone $binary_remote_addr zone=clients:10m rate={tuning.rate_limit_per_s}r/s;\n"
        "    limit_req_status 429;\n    limit_req_log_level info;\n"
    )


def _rate_limit(tuning: Tuning) -> str:
    return f"        limit_req zone=clients burst={tuning.rate_limit_per_s} nodelay;\n" if tuning.rate_limit_per_s else ""


def _route(path: str, service: str) -> str:
    target = f"{{ proxy_pass http://{service}; }}"
    return f"        location = {path} {target}\n        location {path}/ {target}\n"

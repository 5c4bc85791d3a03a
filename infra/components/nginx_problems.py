"""What the gateway answers by itself where it has no replica's answer: problem details (RFC 9457) of the same form as the services'."""

from __future__ import annotations

import json
from dataclasses import dataclass

TYPE_PREFIX = "urn:spire:problem:"
RETRY_AFTER_S = 1
"""What a client is asked to wait: the order of a replica's recovery, and of the rate limit's window."""
METHODS = "DELETE, GET, PATCH, POST, PUT"
"""What a 405 of NGINX names as allowed (RFC 9110, 15.5.6). It refuses TRACE for every path, and only the services know which of these
a path takes; their own 405 tells."""
_PATH = "/-/problems/"
"""Nobody reaches it from outside; a path, because an error in a request's first line can't lead to a named location."""


@dataclass(frozen=True)
class GatewayProblem:
    """One kind of problem."""

    status: int
    name: str
    title: str
    detail: str

    @property
    def body(self) -> str:
        """The JSON that tells it."""
        fields = {"type": TYPE_PREFIX + self.name, "title": self.title, "status": self.status, "detail": self.detail}
        return json.dumps(fields, separators=(",", ":"))


UNAVAILABLE = GatewayProblem(503, "unavailable", "A part of the system is away", "no replica of this service answers")
OVERLOADED = GatewayProblem(503, "overloaded", "Too many requests at once", "the replicas of this service have as much work as they may")


def by_status(body_kib: int) -> dict[int, GatewayProblem]:
    """By NGINX's status, which is not always the one that is answered."""
    return {
        400: GatewayProblem(400, "bad-request", "The request is not valid HTTP", "the request line or a header can't be read"),
        404: GatewayProblem(404, "not-found", "There is no such thing", "this path does not exist"),
        405: GatewayProblem(405, "method-not-allowed", "The method is not allowed here", "this method is not possible here"),
        413: GatewayProblem(413, "too-large", "The body is too large", f"a body may have at most {body_kib * 1024} bytes"),
        414: GatewayProblem(414, "uri-too-long", "The URI is too long", "method and URI may have at most 8192 bytes"),
        429: GatewayProblem(429, "rate-limited", "Too many requests", "this client address sends more requests per second than it may"),
        494: GatewayProblem(
            431, "headers-too-large", "The headers are too large", "a header may have at most 8192 bytes, all of them 32768"
        ),
        500: GatewayProblem(500, "internal", "The service failed", "the gateway failed to answer; its log tells more"),
        501: GatewayProblem(501, "not-implemented", "The transfer coding is not known", "only chunked is"),
        503: OVERLOADED,
        505: GatewayProblem(505, "version-not-supported", "The HTTP version is not supported", "HTTP/1.0 and HTTP/1.1 are"),
    }


def variables() -> str:
    """For the ``http`` block: when to come again, which methods there are, and what 502 and 504 of NGINX mean.

    To a client both are 503: whether it was refused, timed out or lost its connection, it may send the request again, as after a
    service's own 503. NGINX has the upstream's name in place of an address where no replica could be chosen, each having its fill; it also
    has it after the addresses of those that were tried in vain, which are away.
    """
    return (
        f"    map $status:$upstream_http_retry_after $retry_after {{ ~^(429|503):$ {RETRY_AFTER_S}; default ''; }}\n"
        f"    map $status:$upstream_http_allow $allow {{ ~^405:$ '{METHODS}'; default ''; }}\n"
        f"    map $upstream_addr $no_answer {{ ~^[a-z]+$ {_quoted(OVERLOADED.body)}; default {_quoted(UNAVAILABLE.body)}; }}"
    )


def locations(body_kib: int) -> str:
    """For each ``server`` block."""
    blocks = [
        f"        error_page {status} ={problem.status} {_PATH}{status};\n"
        f"        location = {_PATH}{status} {{ internal; return {problem.status} {_quoted(problem.body)}; }}\n"
        for status, problem in by_status(body_kib).items()
    ]
    no_answer = (
        f"        error_page 502 504 =503 {_PATH}no-answer;\n        location = {_PATH}no-answer {{ internal; return 503 $no_answer; }}\n"
    )
    return "".join(blocks) + no_answer


def _quoted(text: str) -> str:
    escaped = text.replace("'", "\\'")
    return f"'{escaped}'"

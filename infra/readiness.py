"""Asks a running server whether it can serve: one attempt a call, never a wait."""

from __future__ import annotations

import base64
import http.client
import socket
import urllib.parse
from collections.abc import Iterable

import psycopg2

from infra.targets.declaration import Check, ExchangeCheck, HttpCheck, SqlCheck

_ATTEMPT_TIMEOUT_S = 2.0


def first_unmet(checks: Iterable[Check]) -> str:
    """The first of ``checks`` that does not pass now, in words; empty where all pass."""
    for check in checks:
        match check:
            case HttpCheck():
                problem = _ask_http(check)
            case SqlCheck():
                problem = _ask_sql(check)
            case ExchangeCheck():
                problem = _ask_exchange(check)
        if problem:
            return problem
    return ""


def get(url: str, basic_auth: str | None = None) -> tuple[int, dict[str, str], bytes]:
    """Status, headers (names in lower case) and body of a GET to a server on this machine.

    Raises:
        OSError: nobody answers in time.
        http.client.HTTPException: the answer is no HTTP.
    """
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_ATTEMPT_TIMEOUT_S)
    headers = {"Connection": "close"}
    if basic_auth is not None:
        headers["Authorization"] = "Basic " + base64.b64encode(basic_auth.encode()).decode()
    try:
        connection.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""), headers=headers)
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    finally:
        connection.close()


def _ask_http(check: HttpCheck) -> str:
    try:
        status, _, body = get(check.url, check.basic_auth)
    except (OSError, http.client.HTTPException):
        return f"an answer from {check.url}"
    if status != http.HTTPStatus.OK:
        return f"{check.url} (answers {status})"
    if check.body is not None and body.decode("utf-8", "replace") != check.body:
        return f"{check.url} (answers with an older configuration)"
    return ""


def _ask_sql(check: SqlCheck) -> str:
    try:
        connection = psycopg2.connect(check.dsn, connect_timeout=int(_ATTEMPT_TIMEOUT_S))
    except psycopg2.OperationalError:
        return "a query"
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except psycopg2.Error:
        return "a query"
    finally:
        connection.close()
    return ""


def _ask_exchange(check: ExchangeCheck) -> str:
    expected = check.expect.encode("latin-1")
    answer = b""
    try:
        with socket.create_connection(("127.0.0.1", check.port), timeout=_ATTEMPT_TIMEOUT_S) as connection:
            connection.sendall(check.send.encode("latin-1"))
            while len(answer) < len(expected) and (received := connection.recv(4096)):
                answer += received
    except OSError:
        return check.protocol
    return "" if answer.startswith(expected) else check.protocol

"""A node's readiness checks as the lines that its image's ``healthy`` asks."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from urllib.parse import urlsplit

from infra.targets.declaration import Check, ExchangeCheck, HttpCheck, SqlCheck

_NOTHING = "-"


def lines(checks: Iterable[Check]) -> tuple[str, ...]:
    """One line a check: kind, port, and what the script's function of that name takes."""
    return tuple(" ".join(_words(check)) for check in checks)


def _words(check: Check) -> tuple[str, ...]:
    match check:
        case HttpCheck():
            url = urlsplit(check.url)
            return "http", str(url.port), url.path, _encoded(check.basic_auth), _encoded(check.body)
        case ExchangeCheck():
            return "exchange", str(check.port), _encoded(check.send), _encoded(check.expect)
        case SqlCheck():
            dsn = urlsplit(check.dsn)
            return "sql", str(dsn.port), dsn.username or "", dsn.password or "", dsn.path.removeprefix("/")


def _encoded(text: str | None) -> str:
    return base64.b64encode(text.encode("latin-1")).decode() if text else _NOTHING

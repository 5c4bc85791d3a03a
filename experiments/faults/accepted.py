"""How many enrolments the gateway has answered with 202, from the tail of its access log."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Final

from experiments.probes.nginx import Log
from infra.errors import NodeError

PATH: Final = "/enroll"


class AcceptedEnrolments:
    """Counts from the moment that it is made; NGINX writes its log within a second."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._count = 0

    def count(self) -> int:
        """How many there were so far; an access log that can't be read has none."""
        try:
            lines = self._log.new_lines()
        except NodeError:
            return self._count
        self._count += sum(map(_is_accepted, lines))
        return self._count


def _is_accepted(line: bytes) -> bool:
    try:
        entry = json.loads(line)
    except ValueError:
        return False
    return (entry.get("method"), entry.get("uri"), entry.get("status")) == ("POST", PATH, HTTPStatus.ACCEPTED)

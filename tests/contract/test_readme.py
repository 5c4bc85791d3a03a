"""The README's curl lines work as written."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from infra.deployment import Deployment

README = Path(__file__).resolve().parents[2] / "README.md"
GATEWAY = "http://127.0.0.1:8080"
STATUS_OF = {"POST /courses": {201, 409}, "POST /students": {201}, "POST /enroll": {202, 409}, "GET /enroll/student/1": {200}}
"""What each line answers; 409 where an earlier test of the same deployment has sent the same line."""


def _requests(text: str) -> list[tuple[str, str, dict[str, str], bytes | None]]:
    found = []
    for line in re.findall(r"^curl .*$", text, flags=re.MULTILINE):
        words = shlex.split(line)[1:]
        method, headers, body, url = "GET", {}, None, ""
        while words:
            word = words.pop(0)
            if word == "-X":
                method = words.pop(0)
            elif word == "-H":
                name, value = words.pop(0).split(": ", 1)
                headers[name] = value
            elif word == "-d":
                body = words.pop(0).encode()
            else:
                url = word
        found.append((method, url.removeprefix(GATEWAY), headers, body))
    return found


def test_the_curl_lines_of_the_readme_work_as_written(lab: Deployment) -> None:
    """Somebody who copies the curl lines gets the documented answers from the gateway."""
    lines = _requests(README.read_text(encoding="utf-8"))
    assert {f"{method} {path}" for method, path, _, _ in lines} == set(STATUS_OF)
    for method, path, headers, body in lines:
        request = Request(lab.endpoints.gateway_url + path, method=method, headers=headers, data=body)  # noqa: S310  # loopback, from the fixture
        try:
            with urlopen(request, timeout=10) as response:  # noqa: S310  # the same
                status, answer = response.status, json.load(response)
        except HTTPError as error:
            status, answer = error.code, json.load(error)
        assert status in STATUS_OF[f"{method} {path}"], answer

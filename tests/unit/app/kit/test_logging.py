"""Log lines."""

from __future__ import annotations

import json
import logging

from app.kit.logging import JsonLines, request_id


def _record(message: str, **extra: object) -> logging.LogRecord:
    record = logging.LogRecord("app.test", logging.WARNING, "file", 1, message, None, None)
    vars(record).update(extra)
    return record


def test_a_record_is_one_json_object_with_its_extras() -> None:
    """Whatever the message holds it stays one line, and extras become members."""
    line = JsonLines("courses-1").format(_record('two\nlines "quoted"', size_bytes=3))
    assert "\n" not in line
    found = json.loads(line)
    assert found["message"] == 'two\nlines "quoted"'
    assert (found["level"], found["replica"], found["size_bytes"]) == ("warning", "courses-1", 3)
    assert "request_id" not in found


def test_a_record_names_the_request_it_belongs_to() -> None:
    """The request id comes from the context, not from each caller."""
    token = request_id.set("abc")
    try:
        assert json.loads(JsonLines("x").format(_record("m")))["request_id"] == "abc"
    finally:
        request_id.reset(token)


def test_an_exception_goes_to_the_log_whole() -> None:
    """What a client is never told is here."""
    record = _record("failed", exc_info=(LookupError, LookupError("inside"), None))
    assert "LookupError: inside" in json.loads(JsonLines("x").format(record))["exception"]

"""Answers as they come over the wire."""

from __future__ import annotations

import pytest

from experiments.capacity.client import Answer, parse_head


def test_a_head_gives_status_and_length() -> None:
    """Whatever the case of its names."""
    assert parse_head(b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-LENGTH: 12\r\n\r\n") == (503, 12)


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n\r\n", b"nonsense\r\n\r\n", b"HTTP/1.1 abc\r\nContent-Length: 1\r\n\r\n"])
def test_a_head_that_says_no_length_is_refused(head: bytes) -> None:
    """So is what is no HTTP at all, unless it says a length, which gives a status that is no success."""
    with pytest.raises(ValueError, match=r"Content-Length|invalid literal"):
        parse_head(head)


@pytest.mark.parametrize(("status", "ok"), [(199, False), (200, True), (202, True), (299, True), (304, False), (404, False), (503, False)])
def test_only_2xx_is_a_success(status: int, *, ok: bool) -> None:
    """All else counts as failed."""
    assert Answer(status, b"{}").ok is ok

"""What container a node becomes, and how it is asked for its health."""

from __future__ import annotations

import base64

from infra.deployment import Role
from infra.targets.declaration import ExchangeCheck, HttpCheck, NodeDeclaration, PublishedPort, Software, SqlCheck, StopSignal
from infra.targets.docker import health, spec

NODE = NodeDeclaration(
    name="a",
    role=Role.SERVICE,
    group="a",
    software=Software.APPLICATION,
    arguments=("app.courses",),
    environment={"KEY": "value"},
    published=(PublishedPort(listen=1, public=2),),
    readiness=(HttpCheck(url="http://127.0.0.1:8001/readyz"),),
    stop_signal=StopSignal.INTERRUPT,
)


def test_a_node_without_files_has_a_root_that_is_read_only_and_its_questions_on_the_command_line() -> None:
    """They hold no password then."""
    made = spec.container(NODE)
    assert made.read_only
    assert made.files == {}
    assert made.health == ("http 8001 /readyz - -",)
    assert (made.command, made.environment, made.stop_signal) == (("app.courses",), {"KEY": "value"}, "SIGINT")
    assert made.published == NODE.published


def test_a_node_with_files_has_its_questions_in_a_file_too() -> None:
    """They may hold passwords, as the files do."""
    made = spec.container(NODE.model_copy(update={"files": {"a.conf": "x"}, "first_start": "CREATE ROLE a"}))
    assert not made.read_only
    assert made.files == {"a.conf": "x", "health": "http 8001 /readyz - -\n", "first-start.sql": "CREATE ROLE a\n"}
    assert made.health == ()


def test_each_check_is_a_line_of_words() -> None:
    """What may hold spaces or zero bytes is in base64."""
    checks = (
        HttpCheck(url="http://127.0.0.1:1/x", basic_auth="user:word", body="a b"),
        ExchangeCheck(port=2, send="\x00\xff", expect="+OK\r\n", protocol="x"),
        ExchangeCheck(port=3, send="", expect="", protocol="a connection"),
        SqlCheck(dsn="postgresql://role:word@127.0.0.1:4/base"),
    )
    assert health.lines(checks) == (
        f"http 1 /x {base64.b64encode(b'user:word').decode()} {base64.b64encode(b'a b').decode()}",
        f"exchange 2 {base64.b64encode(bytes([0, 255])).decode()} {base64.b64encode(b'+OK' + bytes([13, 10])).decode()}",
        "exchange 3 - -",
        "sql 4 role word base",
    )

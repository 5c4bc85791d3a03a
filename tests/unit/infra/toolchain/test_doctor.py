"""What the doctor says."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.toolchain.docker import plugin_version
from infra.toolchain.doctor import Finding, examine
from infra.toolchain.machine import Machine
from infra.toolchain.programs import NGINX, POSTGRESQL, RABBITMQ, WRK
from infra.toolchain.runner import Finished
from tests.unit.infra.toolchain.fakes import FakeRunner, lay_out, machine, put


def look(here: Machine, run: FakeRunner, *, daemon_version: str = "") -> list[Finding]:
    """What there is to say of a machine whose user has no plugins of Pulumi."""
    return examine(here, run, pulumi_home=here.root / "home/.pulumi", daemon_version=daemon_version)


def test_each_server_has_its_line_found_or_not(tmp_path: Path) -> None:
    """A found one has version, path and origin and needs no remedy; a missing one has a reason and a remedy."""
    lay_out(tmp_path, POSTGRESQL, NGINX, RABBITMQ)
    postgresql, redis, nginx, rabbitmq, wrk, *_ = look(machine(tmp_path), FakeRunner())
    assert (nginx.found, nginx.version, nginx.path, nginx.remark, nginx.remedy) == (
        True,
        "1.22.1",
        tmp_path / "usr/sbin/nginx",
        "system",
        "",
    )
    assert (redis.found, redis.version, redis.path, redis.remark) == (False, "", None, "Redis 6 or newer was not found")
    assert [finding.name for finding in (postgresql, redis, rabbitmq, wrk)] == ["PostgreSQL", "Redis", "RabbitMQ", "wrk"]
    assert all(finding.purpose for finding in (postgresql, redis, nginx, rabbitmq, wrk))


def test_a_missing_tool_is_said_and_is_no_fault(tmp_path: Path) -> None:
    """The servers are what is required."""
    lay_out(tmp_path)
    *servers, wrk, _, _, _ = look(machine(tmp_path), FakeRunner())
    assert all(finding.required for finding in servers)
    assert (wrk.found, wrk.required, wrk.remark) == (False, False, "wrk 4 or newer was not found")
    assert wrk.remedy.endswith("wrk")
    lay_out(tmp_path, WRK)
    assert look(machine(tmp_path), FakeRunner())[4].version == "4.1.0"


def test_what_containers_take_is_said_and_is_no_fault(tmp_path: Path) -> None:
    """The Pulumi CLI, the daemon and the plugin: found with version and origin, missing with a remedy each."""
    lay_out(tmp_path)
    missing = look(machine(tmp_path), FakeRunner())[-3:]
    assert [(finding.name, finding.found, finding.required) for finding in missing] == [
        ("Pulumi", False, False),
        ("Docker", False, False),
        ("its plugin", False, False),
    ]
    assert [finding.remedy.split(" ")[0] for finding in missing] == ["curl", "install", "pulumi"]
    cli, plugin = put(tmp_path / "usr/bin/pulumi"), put(tmp_path / "usr/bin/pulumi-resource-docker")
    found = look(machine(tmp_path), FakeRunner({"pulumi version": Finished(0, "v3.230.0\n")}), daemon_version="27.1.0")[-3:]
    assert [(finding.version, finding.path, finding.remark, finding.remedy) for finding in found] == [
        ("3.230.0", cli, "system", ""),
        ("27.1.0", None, "running daemon", ""),
        (plugin_version(), plugin, "system", ""),
    ]


@pytest.mark.parametrize(
    ("is_root", "has_apt", "remedy"),
    [
        (True, True, "apt-get install --no-install-recommends redis-server"),
        (False, True, "sudo apt-get install --no-install-recommends redis-server"),
        (False, False, "install Redis 6 or newer with the system's package manager"),
    ],
)
def test_the_remedy_fits_the_machine_and_the_user(tmp_path: Path, *, is_root: bool, has_apt: bool, remedy: str) -> None:
    """A command that can be typed where apt is, and what to look for where it is not."""
    lay_out(tmp_path, POSTGRESQL, NGINX, RABBITMQ)
    redis = look(machine(tmp_path, is_root=is_root, has_apt=has_apt), FakeRunner())[1]
    assert redis.remedy == remedy

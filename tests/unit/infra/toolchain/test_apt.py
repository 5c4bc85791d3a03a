"""What root's apt is asked, and that nothing of it stays behind."""

from __future__ import annotations

import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from infra.errors import InfraError
from infra.toolchain.apt import ENVIRONMENT, OURS, install
from infra.toolchain.programs import NGINX, POSTGRESQL, RABBITMQ, REDIS
from infra.toolchain.progress import Progress
from infra.toolchain.runner import Finished, Runner
from tests.unit.infra.toolchain.fakes import FakeRunner, machine, put

UNKNOWN = "Reading package lists...\nE: Unable to locate package nginx\n"
UNREACHABLE = "Err:1 http://deb.example bookworm InRelease\nW: Failed to fetch http://deb.example/InRelease  Temporary failure resolving\n"


def install_on(root: Path, run: Runner) -> None:
    """Install NGINX and PostgreSQL as root."""
    install((NGINX, POSTGRESQL), machine(root, is_root=True), run, Progress(lambda _: None, lambda: 0.0))


def policy(root: Path) -> Path:
    """What maintainer scripts ask before they start a service."""
    return root / "usr/sbin/policy-rc.d"


def cluster_settings(root: Path) -> Path:
    """The folder of what postgresql-common reads before it makes a cluster."""
    return root / "etc/postgresql-common/createcluster.d"


def test_only_the_asked_packages_come_and_nothing_goes(tmp_path: Path) -> None:
    """The lists first, then one installation without recommendations, removals or upgrades, and without questions."""
    runner = FakeRunner()
    install_on(tmp_path, runner)
    update, installation = runner.commands[:2]
    assert update.endswith(" update")
    assert installation.endswith(" install nginx postgresql")
    assert {"--no-install-recommends", "--no-remove", "--no-upgrade", "-y"} <= set(installation.split())
    assert runner.environments[1]["DEBIAN_FRONTEND"] == "noninteractive"


def test_services_are_forbidden_to_our_apt_alone_and_only_while_it_works(tmp_path: Path) -> None:
    """Asked from below our apt the policy answers 101, asked from anywhere else 0; afterwards it is gone, and so is the cluster's."""
    answers: list[int] = []
    settings: list[str] = []

    def ask(_: Sequence[str]) -> None:
        question = [str(policy(tmp_path)), "nginx", "start"]
        answers.extend(subprocess.run(question, env=environment, check=False).returncode for environment in (ENVIRONMENT, {}))
        settings.extend(path.read_text(encoding="utf-8") for path in cluster_settings(tmp_path).iterdir())

    install_on(tmp_path, FakeRunner(effects={"install nginx": ask}))
    assert answers == [101, 0]
    assert "create_main_cluster = false" in settings[0]
    assert not policy(tmp_path).exists()
    assert not list(cluster_settings(tmp_path).iterdir())


@pytest.mark.parametrize("verb", ["update", "install nginx"])
def test_nothing_stays_behind_when_it_is_interrupted(tmp_path: Path, verb: str) -> None:
    """Ctrl-C while apt reads or installs takes the policy and the cluster's setting away too."""

    def interrupt(_: Sequence[str]) -> None:
        assert policy(tmp_path).exists()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        install_on(tmp_path, FakeRunner(effects={verb: interrupt}))
    assert not policy(tmp_path).exists()
    assert not list(cluster_settings(tmp_path).iterdir())


def test_a_policy_of_the_machine_is_left_as_it_is(tmp_path: Path) -> None:
    """Who forbids or allows services here decided so before us."""
    put(policy(tmp_path), "#!/bin/sh\nexit 101\n")
    install_on(tmp_path, FakeRunner())
    assert policy(tmp_path).read_text(encoding="utf-8") == "#!/bin/sh\nexit 101\n"


def test_what_a_killed_installation_left_is_taken_away(tmp_path: Path) -> None:
    """A policy that bears our remark is ours."""
    put(policy(tmp_path), f"#!/bin/sh\n{OURS}\nexit 101\n")
    install_on(tmp_path, FakeRunner())
    assert not policy(tmp_path).exists()


def test_new_services_are_kept_from_the_next_boot_and_old_ones_left_alone(tmp_path: Path) -> None:
    """RabbitMQ's come with the packages and are disabled; Redis's and Erlang's epmd were there."""
    put(tmp_path / "lib/systemd/system/redis-server.service")
    put(tmp_path / "etc/systemd/system/epmd.socket")
    put(tmp_path / "etc/init.d/epmd")
    runner = FakeRunner()
    install((REDIS, RABBITMQ), machine(tmp_path, is_root=True), runner, Progress(lambda _: None, lambda: 0.0))
    assert runner.commands[2:] == ["update-rc.d rabbitmq-server disable", "systemctl disable rabbitmq-server"]


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ({"install nginx": Finished(100, UNKNOWN)}, "apt-get install failed: E: Unable to locate package nginx; "),
        (
            {"install nginx": Finished(100, UNKNOWN), " update": Finished(0, UNREACHABLE)},
            "Temporary failure resolving / E: Unable to locate package nginx; ",
        ),
        (
            {" update": Finished(100, "E: Could not get lock\nE: Unable to lock directory\n")},
            "update failed: E: Could not get lock / E: Una",
        ),
        ({" update": Finished(127, "No such file: 'apt-get'")}, "apt-get update failed: No such file: 'apt-get'; "),
        ({"install nginx": Finished(-9, "")}, "apt-get install failed: exit status -9; "),
    ],
)
def test_apts_failure_is_one_sentence_with_its_reason_and_the_command(tmp_path: Path, answers: dict[str, Finished], says: str) -> None:
    """Its errors, and before them the source that could not be reached, which apt itself only warns of."""
    with pytest.raises(InfraError) as caught:
        install_on(tmp_path, FakeRunner(answers))
    assert says in str(caught.value)
    assert str(caught.value).endswith("as root: apt-get install --no-install-recommends nginx postgresql")
    assert "\n" not in str(caught.value)


def test_the_policy_can_be_executed_by_all(tmp_path: Path) -> None:
    """A policy-rc.d that can't be executed counts as none."""
    modes: list[int] = []
    install_on(tmp_path, FakeRunner(effects={"install nginx": lambda _: modes.append(stat.S_IMODE(policy(tmp_path).stat().st_mode))}))
    assert modes == [0o755]

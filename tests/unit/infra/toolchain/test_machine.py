"""What is learned of a machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from infra.toolchain.machine import Machine, describe
from infra.toolchain.programs import NGINX, REDIS
from infra.toolchain.trees import prefix_folder
from tests.unit.infra.toolchain.fakes import put

DEBIAN = {"ID": "debian", "VERSION_ID": "12", "VERSION_CODENAME": "bookworm"}
MINT = {"ID": "linuxmint", "ID_LIKE": "ubuntu debian", "VERSION_ID": "22", "VERSION_CODENAME": "wilma"}
FEDORA = {"ID": "fedora", "VERSION_ID": "41"}


def describe_with_apt(folder: Path, os_release: Mapping[str, str], **environment: str) -> Machine:
    """A machine with apt-get and dpkg-deb in ``folder``."""
    for name in ("apt-get", "dpkg-deb"):
        put(folder / name)
    return describe(os_release=os_release, environment={"PATH": f"{folder}:relative", **environment}, home=Path("/home/ann"), user_id=1000)


@pytest.mark.parametrize(("os_release", "suite", "has_apt"), [(DEBIAN, "bookworm", True), (MINT, "wilma", True), (FEDORA, "41", False)])
def test_the_distribution_decides_whether_apt_is_used(tmp_path: Path, *, os_release: dict[str, str], suite: str, has_apt: bool) -> None:
    """Debian, Ubuntu and what is made from them have it; an apt-get on another system counts for nothing."""
    here = describe_with_apt(tmp_path, os_release)
    assert (here.suite, here.has_apt) == (suite, has_apt)


def test_a_debian_without_dpkg_deb_has_no_apt(tmp_path: Path) -> None:
    """Minimal images leave one or the other out, and both are needed."""
    put(tmp_path / "apt-get")
    assert not describe(os_release=DEBIAN, environment={"PATH": str(tmp_path)}, home=tmp_path, user_id=0).has_apt


def test_servers_are_also_looked_for_in_the_administrators_folders(tmp_path: Path) -> None:
    """A plain user's PATH lacks /usr/sbin, where nginx is; relative folders are no place for a server."""
    folders = describe_with_apt(tmp_path, DEBIAN).search_path
    assert folders == (tmp_path, Path("/usr/local/sbin"), Path("/usr/sbin"), Path("/sbin"))


def test_the_cache_is_where_the_user_keeps_it(tmp_path: Path) -> None:
    """XDG_CACHE_HOME wins over ~/.cache, and an empty one counts as none."""
    assert describe_with_apt(tmp_path, DEBIAN).cache == Path("/home/ann/.cache/spirelab")
    assert describe_with_apt(tmp_path, DEBIAN, XDG_CACHE_HOME="").cache == Path("/home/ann/.cache/spirelab")
    assert describe_with_apt(tmp_path, DEBIAN, XDG_CACHE_HOME="/var/cache/ann").cache == Path("/var/cache/ann/spirelab")


def test_each_set_of_servers_has_a_prefix_of_its_own(tmp_path: Path) -> None:
    """The folder's name depends on the suite and on which servers are in it, not on their order."""
    here = describe_with_apt(tmp_path, DEBIAN)
    assert prefix_folder(here, (NGINX, REDIS)) == prefix_folder(here, (REDIS, NGINX))
    names = {prefix_folder(here, servers).name for servers in ((NGINX,), (REDIS,), (NGINX, REDIS))}
    assert len(names) == 3
    assert all(name.startswith("servers-bookworm-") for name in names)

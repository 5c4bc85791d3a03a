"""What the toolchain has to know of the machine that it runs on."""

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ADMINISTRATORS_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Where servers live; a plain user's PATH often lacks them."""


@dataclass(frozen=True)
class Machine:
    """The facts that decide where servers are looked for and how they can be had."""

    is_root: bool
    search_path: tuple[Path, ...]
    """Folders in which executables are looked for, the first wins."""
    cache: Path
    """Folder of this user that holds what can be fetched again."""
    suite: str
    """The distribution's release, ``bookworm``; a number where it has no such name."""
    has_apt: bool
    """Debian, Ubuntu or made from them, with apt-get and dpkg-deb."""
    root: Path = Path("/")
    """Where the file system begins."""


def describe(*, os_release: Mapping[str, str], environment: Mapping[str, str], home: Path, user_id: int, root: Path = Path("/")) -> Machine:
    """The Machine that these facts make."""
    folders = [*environment.get("PATH", os.defpath).split(os.pathsep), *ADMINISTRATORS_FOLDERS]
    search_path = tuple(dict.fromkeys(Path(folder) for folder in folders if folder.startswith("/")))
    family = {os_release.get("ID", ""), *os_release.get("ID_LIKE", "").split()}
    return Machine(
        is_root=user_id == 0,
        search_path=search_path,
        cache=Path(environment.get("XDG_CACHE_HOME") or home / ".cache") / "spirelab",
        suite=os_release.get("VERSION_CODENAME") or os_release.get("VERSION_ID") or "unknown",
        has_apt=bool(family & {"debian", "ubuntu"}) and all(executable(name, search_path) for name in ("apt-get", "dpkg-deb")),
        root=root,
    )


def this_machine() -> Machine:
    """The machine that we are on."""
    try:
        os_release = platform.freedesktop_os_release()
    except OSError:
        os_release = {}
    return describe(os_release=os_release, environment=os.environ, home=Path.home(), user_id=os.geteuid())


def executable(name: str, folders: tuple[Path, ...]) -> Path | None:
    """The first file of that name in ``folders`` that may be executed."""
    return next((path for folder in folders if is_executable(path := folder / name)), None)


def is_executable(path: Path) -> bool:
    """Whether it is a file that we may run."""
    return path.is_file() and os.access(path, os.X_OK)

"""The image that all others build on: Debian's slim one, pulled; where no registry can be reached, made from Debian's packages."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import docker
import docker.errors
from docker.models.images import Image as EngineImage

from infra.errors import ImageError

SUITE = "trixie"
BASE = f"debian:{SUITE}-slim"
_ORIGIN = "spirelab.base-made-by"
_MAKER = "mmdebstrap"
_MAKE_TIMEOUT_S = 1800.0
_LEFT_OUT = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/info/*")
"""As in Debian's slim image; dpkg goes on leaving it out."""


@dataclass(frozen=True)
class Base:
    """The base image as it is in the engine."""

    id: str
    origin: str
    """How it came to be, in words."""


def ensure_base(client: docker.DockerClient, reference: str, say: Callable[[str], None]) -> Base:
    """Find, pull or make it.

    Raises:
        ImageError: it can't be had in any of these ways.
    """
    try:
        found = client.images.get(reference)
    except docker.errors.ImageNotFound:
        found = _pull(client, reference, say) or _make(client, reference, say)
    made = found.labels.get(_ORIGIN)
    digests = found.attrs.get("RepoDigests") or []
    return Base(str(found.id), f"made here from Debian's packages by {made}" if made else f"pulled as {', '.join(digests) or reference}")


def _pull(client: docker.DockerClient, reference: str, say: Callable[[str], None]) -> EngineImage | None:
    say(f"pulling {reference}")
    try:
        return client.images.pull(reference)
    except docker.errors.DockerException as error:
        say(f"it can't be pulled: {_sentence(error)}")
        return None


def _make(client: docker.DockerClient, reference: str, say: Callable[[str], None]) -> EngineImage:
    if reference != BASE:
        raise ImageError(f"{reference} can't be pulled, and only {BASE} can be made instead")
    if shutil.which(_MAKER) is None:
        raise ImageError(f"{BASE} can't be pulled, and {_MAKER}, which would make it, is missing; `apt-get install {_MAKER}` gets it")
    say(f"making {BASE} from Debian's packages with {_MAKER}: about two minutes, once")
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "base.tar"
        options = [f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT]
        options += ["--dpkgopt=path-include=/usr/share/doc/*/copyright", '--aptopt=APT::Install-Recommends "false"']
        command = [_MAKER, "--quiet", "--variant=minbase", *options, SUITE, str(archive)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_MAKE_TIMEOUT_S)
        if done.returncode != 0:
            raise ImageError(f"{_MAKER} failed:\n{done.stderr.strip()[-2000:]}")
        name, tag = reference.split(":")
        client.api.import_image(str(archive), repository=name, tag=tag, changes=[f"LABEL {_ORIGIN}={_MAKER}", 'CMD ["bash"]'])
    return client.images.get(reference)


def _sentence(error: Exception) -> str:
    return str(getattr(error, "explanation", None) or error).strip().splitlines()[0]

"""What goes into each image, read from the recipe itself, and the name that follows from it.

The tag is a digest of the inputs: of the image's stages, of the stages that those build on, and of the files that they copy. Changed
code so gets another tag, which replaces the containers that run it and no other.
"""

from __future__ import annotations

import functools
import hashlib
import io
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from infra.settings import REPOSITORY

RECIPE = Path("infra/images/Dockerfile")
CA_FILE = "ca.pem"
"""In the build context: what the building machine trusts. No input, for it leaves nothing in an image."""
_DIGEST_LENGTH = 12
_EXECUTABLE = 0o111


class Image(StrEnum):
    """The images, by their stage in the recipe."""

    REDIS = "redis"
    POSTGRES = "postgres"
    RABBITMQ = "rabbitmq"
    GATEWAY = "gateway"
    APP = "app"
    LINKS = "links"
    LOAD = "load"

    @property
    def repository(self) -> str:
        """Its name without the tag."""
        return f"spirelab/{self.value}"


@dataclass(frozen=True)
class Stage:
    """One stage of the recipe."""

    text: str
    parents: tuple[str, ...]
    """The stages that it starts from or copies from."""
    sources: tuple[str, ...]
    """The files and folders of the repository that it copies."""


@functools.cache
def reference(image: Image) -> str:
    """``repository:tag`` for the inputs as they are now."""
    return f"{image.repository}:{digest(image.value, stages((REPOSITORY / RECIPE).read_text(encoding='utf-8')), REPOSITORY)}"


def digest(name: str, recipe: Mapping[str, Stage], root: Path) -> str:
    """Of everything that goes into a stage."""
    found = hashlib.sha256()
    for stage in _lineage(name, recipe):
        found.update(stage.text.encode())
        for source in stage.sources:
            for path in _files(root / source):
                mode = _mode(path)
                found.update(f"{path.relative_to(root)} {mode:o} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()[:_DIGEST_LENGTH]


def stages(text: str) -> dict[str, Stage]:
    """The recipe's stages by name; comments are no part of them."""
    blocks: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.replace("\\\n", " ").splitlines():
        words = line.split()
        if words[:1] == ["FROM"]:
            lines = blocks.setdefault(words[3], [])
        if words and not words[0].startswith("#"):
            lines.append(" ".join(words))
    return {name: _stage(block, blocks) for name, block in blocks.items()}


def context(ca: bytes) -> io.BytesIO:
    """The build context: the recipe and all that it copies, in a tar of the same bytes for the same inputs."""
    recipe = stages((REPOSITORY / RECIPE).read_text(encoding="utf-8"))
    sources = sorted({source for stage in recipe.values() for source in stage.sources})
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path in (REPOSITORY / RECIPE, *(path for source in sources for path in _files(REPOSITORY / source))):
            _add(tar, str(path.relative_to(REPOSITORY)), path.read_bytes(), _mode(path))
        _add(tar, CA_FILE, ca, 0o644)
    packed.seek(0)
    return packed


def _stage(block: list[str], known: Mapping[str, object]) -> Stage:
    parents = [word for line in block if line.startswith("FROM ") for word in line.split()[1:2] if word in known]
    sources: list[str] = []
    for line in block:
        keyword, *words = line.split()
        if keyword != "COPY":
            continue
        if words[0].startswith("--from="):
            parents.append(words[0].removeprefix("--from="))
        else:
            sources += (word for word in words[:-1] if word != CA_FILE)
    return Stage("\n".join(block), tuple(parents), tuple(sources))


def _lineage(name: str, recipe: Mapping[str, Stage]) -> Iterator[Stage]:
    for parent in recipe[name].parents:
        yield from _lineage(parent, recipe)
    yield recipe[name]


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts)


def _mode(path: Path) -> int:
    """Of Git's two; what else a checkout's files may have depends on the machine."""
    return 0o755 if path.stat().st_mode & _EXECUTABLE else 0o644


def _add(tar: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))

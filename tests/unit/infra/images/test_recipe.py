"""What goes into the images, and what they are called for it."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path

import pytest

from infra.images import recipe
from infra.images.recipe import Image
from infra.settings import REPOSITORY

TEXT = """\
ARG BASE
FROM ${BASE} AS debian
COPY tool /usr/bin/
# a comment
FROM debian AS one
COPY one.txt \\
  two /
FROM debian AS builder
COPY ca.pem /
COPY source source
FROM debian AS two
COPY --from=builder /source /source
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The files that TEXT copies."""
    for name in ("tool", "one.txt", "two", "source/a.py", "source/__pycache__/a.pyc"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def digests(checkout: Path, text: str = TEXT) -> dict[str, str]:
    """Of the two images."""
    return {name: recipe.digest(name, recipe.stages(text), checkout) for name in ("one", "two")}


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """The images that got another name."""
    return {name for name in before if before[name] != after[name]}


@pytest.mark.parametrize(
    ("file", "images"),
    [("one.txt", {"one"}), ("two", {"one"}), ("source/a.py", {"two"}), ("tool", {"one", "two"}), ("source/__pycache__/a.pyc", set())],
)
def test_a_changed_file_renames_the_images_that_it_goes_into(checkout: Path, file: str, images: set[str]) -> None:
    """By way of a stage that is copied from, too; what Python leaves beside the sources goes into none."""
    before = digests(checkout)
    (checkout / file).write_text("changed")
    assert changed(before, digests(checkout)) == images


def test_an_executable_file_is_another_file(checkout: Path) -> None:
    """The image would work otherwise; what else a mode says differs from checkout to checkout."""
    before = digests(checkout)
    (checkout / "one.txt").chmod(0o600)
    assert digests(checkout) == before
    (checkout / "one.txt").chmod(0o755)
    assert changed(before, digests(checkout)) == {"one"}


@pytest.mark.parametrize(
    ("old", "new", "images"),
    [("# a comment", "# another", set()), ("/usr/bin/", "/bin/", {"one", "two"}), ("source source", "source code", {"two"})],
)
def test_a_changed_stage_renames_the_images_that_build_on_it(checkout: Path, old: str, new: str, images: set[str]) -> None:
    """A comment renames none."""
    assert changed(digests(checkout), digests(checkout, TEXT.replace(old, new))) == images


@pytest.mark.parametrize("image", list(Image))
def test_every_image_is_a_stage_of_the_recipe(image: Image) -> None:
    """It runs as a user, not as root, and in exec form, so that signals reach the server."""
    recipe_text = (REPOSITORY / recipe.RECIPE).read_text(encoding="utf-8")
    stage = recipe.stages(recipe_text)[image.value].text.splitlines()
    assert "USER spirelab" in stage
    assert stage[-1].startswith('ENTRYPOINT ["tini", "--", ')
    assert re.fullmatch(rf"spirelab/{image.value}:[0-9a-f]{{12}}", recipe.reference(image))


def test_the_context_has_what_the_recipe_copies_and_no_more() -> None:
    """The same bytes each time; sources of the application, none of the tests, and the certificates that are handed in."""
    first, second = recipe.context(b"certificates"), recipe.context(b"certificates")
    assert first.getvalue() == second.getvalue()
    with tarfile.open(fileobj=first) as tar:
        names = set(tar.getnames())
        handed_in = tar.extractfile(recipe.CA_FILE)
        assert handed_in is not None
        assert handed_in.read() == b"certificates"
    assert {"infra/images/Dockerfile", "app/courses/main.py", "infra/images/app.lock", "infra/images/scripts/start"} <= names
    assert not [name for name in names if name.startswith("tests/") or name.endswith(".pyc") or name == "requirements.lock"]


@pytest.mark.parametrize("group", ["app", "load"])
def test_an_image_has_the_versions_that_the_lab_has(group: str) -> None:
    """Its lock file is a part of the lab's, by the same hashes."""
    blocks = re.compile(r"^[a-z0-9][^\n]*==[^\n]*\\\n(?:\s+--hash=sha256:[0-9a-f]{64}[^\n]*\n)+", flags=re.MULTILINE)
    whole = {_head(block): block for block in blocks.findall((REPOSITORY / "requirements.lock").read_text(encoding="utf-8"))}
    part = blocks.findall((REPOSITORY / "infra" / "images" / f"{group}.lock").read_text(encoding="utf-8"))
    assert part
    for block in part:
        assert _hashes(block) == _hashes(whole[_head(block)])


def _head(block: str) -> str:
    return block.split(" ", 1)[0]


def _hashes(block: str) -> set[str]:
    return set(re.findall(r"sha256:[0-9a-f]{64}", block))

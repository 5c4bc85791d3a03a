"""Which images are built, on what, and what of the machine is handed to the build."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from infra.errors import ImageError
from infra.images.base import BASE
from infra.images.build import BASE_LABEL, build
from infra.images.recipe import CA_FILE, Image, reference
from tests.unit.infra.images.fakes import BASE_ID, FakeEngine, FakeImage


@pytest.fixture
def engine() -> FakeEngine:
    """One that has the base, pulled by its digest, and nothing else."""
    return FakeEngine({BASE: FakeImage(BASE_ID, attrs={"RepoDigests": ["debian@sha256:abc"]})})


def silence(_text: str) -> None:
    """Tell nobody."""


def test_an_image_is_built_once_for_its_inputs_and_its_base(engine: FakeEngine) -> None:
    """With another base it is built anew under the same name."""
    for _ in range(2):
        base, built = build(engine.client, silence, images=[Image.REDIS])
        assert base.origin == "pulled as debian@sha256:abc"
        assert [each.reference for each in built] == [reference(Image.REDIS)]
    assert [(each["tag"], each["target"]) for each in engine.builds] == [(reference(Image.REDIS), "redis")]
    engine.known[BASE] = FakeImage("sha256:other")
    build(engine.client, silence, images=[Image.REDIS])
    assert [each["labels"] for each in engine.builds] == [{BASE_LABEL: BASE_ID}, {BASE_LABEL: "sha256:other"}]


def test_proxies_and_certificates_of_the_machine_are_handed_in(engine: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the names that Docker keeps out of an image's history, and in a file that only a stage between has."""
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("a private authority")
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.test:3128")
    for name in ("https_proxy", "http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    build(engine.client, silence, images=[Image.APP])
    (asked,) = engine.builds
    assert asked["buildargs"] == {"BASE": BASE, "HTTPS_PROXY": "http://proxy.test:3128", "https_proxy": "http://proxy.test:3128"}
    with tarfile.open(fileobj=asked["fileobj"]) as context:
        packed = context.extractfile(CA_FILE)
        assert packed is not None
        assert packed.read() == b"a private authority"


def test_a_failed_build_ends_with_the_end_of_its_log(engine: FakeEngine) -> None:
    """And with the reason last."""
    engine.steps = [{"stream": f"line {number}\n"} for number in range(50)] + [{"error": "no such package"}]
    with pytest.raises(ImageError, match=r"could not be built; the end of its log:\n(    line \d+\n){19}    no such package$"):
        build(engine.client, silence, images=[Image.REDIS])


def test_a_base_that_is_pinned_is_pulled() -> None:
    """And is what the images build on."""
    pinned = "debian@sha256:abc"
    engine = FakeEngine(registry={pinned: FakeImage(BASE_ID)})
    build(engine.client, silence, images=[Image.REDIS], base=pinned)
    assert engine.builds[0]["buildargs"]["BASE"] == pinned


def test_another_base_than_debians_is_not_made() -> None:
    """What can't be pulled then is refused, in a sentence."""
    said: list[str] = []
    with pytest.raises(ImageError, match=r"debian@sha256:abc can't be pulled, and only debian:trixie-slim can be made instead"):
        build(FakeEngine().client, said.append, base="debian@sha256:abc")
    assert said == ["pulling debian@sha256:abc", "it can't be pulled: no route to the registry"]

"""What is told while apt works."""

from __future__ import annotations

import pytest

from infra.toolchain.progress import INTERVAL_S, Progress


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now_s


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("Get:5 http://deb.example/debian bookworm/main amd64 Packages [8790 kB]", "reading the package lists (5 s)"),
        ("Hit:1 http://deb.example/debian bookworm InRelease", "reading the package lists (5 s)"),
        (
            "Get:46 http://deb.example/debian bookworm/main amd64 libllvm14 amd64 1:14.0.6-12 [21.8 MB]",
            "downloaded 46 packages, now libllvm14 (5 s)",
        ),
        ("Unpacking libllvm14:amd64 (1:14.0.6-12) ...", "unpacking libllvm14 (5 s)"),
        ("Setting up rabbitmq-server (3.10.8-1.1+deb12u1) ...", "setting up rabbitmq-server (5 s)"),
    ],
)
def test_a_line_of_apt_is_told_in_plain_words(line: str, told: str) -> None:
    """It says the step, the package, and how long it has been."""
    clock, notes = Clock(), list[str]()
    progress = Progress(notes.append, clock)
    clock.now_s += INTERVAL_S
    progress.hear(line)
    assert notes == [told]


def test_lines_close_together_are_told_once() -> None:
    """Hundreds of lines a second become one each interval, and a sentence of ours starts a new one."""
    clock, notes = Clock(), list[str]()
    progress = Progress(notes.append, clock)
    for package in ("a", "b", "c"):
        clock.now_s += INTERVAL_S / 2
        progress.hear(f"Unpacking {package} (1) ...")
    progress.say("something else")
    clock.now_s += INTERVAL_S / 2
    progress.hear("Unpacking d (1) ...")
    assert notes == ["unpacking b (5 s)", "something else"]


def test_lines_that_mean_nothing_to_a_person_are_not_told() -> None:
    """They don't use up the interval either."""
    clock, notes = Clock(), list[str]()
    progress = Progress(notes.append, clock)
    clock.now_s += INTERVAL_S
    progress.hear("(Reading database ... 9471 files and directories currently installed.)")
    progress.hear("Unpacking nginx (1.22.1-9) ...")
    assert notes == ["unpacking nginx (5 s)"]

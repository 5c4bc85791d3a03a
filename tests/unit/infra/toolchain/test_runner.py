"""The real runner, with commands that every machine has."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from infra.toolchain.runner import NOT_STARTED, run


def test_output_and_exit_status_come_back_together(tmp_path: Path) -> None:
    """Both streams in the order written, line by line as well, with our environment and what is added to it."""
    lines: list[str] = []
    program = "import os, sys; print(os.getcwd(), flush=True); print(os.environ['ADDED'], file=sys.stderr); sys.exit(3)"
    finished = run((sys.executable, "-c", program), environment={"ADDED": "yes"}, folder=tmp_path, on_line=lines.append)
    assert finished.code == 3
    assert not finished.succeeded
    assert lines == [str(tmp_path), "yes"]
    assert finished.output == f"{tmp_path}\nyes\n"


def test_a_command_that_does_not_exist_fails_like_any_other() -> None:
    """No exception: whoever asked decides what its absence means."""
    finished = run(("/nonexistent/server", "--version"))
    assert finished.code == NOT_STARTED
    assert "/nonexistent/server" in finished.output


def test_output_that_is_no_text_does_no_harm() -> None:
    """A byte that UTF-8 doesn't know is shown as a replacement character."""
    assert run((sys.executable, "-c", r"import sys; sys.stdout.buffer.write(b'caf\xe9')")).output == "caf\ufffd"


def test_a_command_has_nothing_to_read() -> None:
    """What asks a question gets the end of file instead of the user's keyboard."""
    assert run((sys.executable, "-c", "import sys; print(repr(sys.stdin.read()))")).output == "''\n"


def test_an_interruption_ends_the_command_before_it_goes_on() -> None:
    """Ctrl-C reaches the command too, and when we go on it has ended."""
    processes: list[int] = []

    def interrupt(line: str) -> None:
        processes.append(int(line))
        raise KeyboardInterrupt

    program = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    with pytest.raises(KeyboardInterrupt):
        run((sys.executable, "-c", program), on_line=interrupt)
    with pytest.raises(ProcessLookupError):
        os.kill(processes[0], 0)

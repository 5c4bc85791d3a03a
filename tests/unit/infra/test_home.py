"""The folders of deployments."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.errors import StateError
from infra.home import StateRoot, read_json, updating, write_private


@pytest.mark.parametrize("name", ["", "Lab", "1st", "a b", "../x", "a" * 33])
def test_a_name_that_is_no_name_is_refused(name: str, tmp_path: Path) -> None:
    """It would have to be a folder and a node name alike."""
    with pytest.raises(StateError, match="can't name a deployment"):
        StateRoot(tmp_path).home(name)


def test_a_folder_with_characters_that_servers_misread_is_refused(tmp_path: Path) -> None:
    """The error names the setting."""
    with pytest.raises(StateError, match="SPIRELAB_STATE_DIR"):
        StateRoot(tmp_path / "with space").make()


def test_a_second_command_on_the_same_deployment_waits_and_gives_up(tmp_path: Path) -> None:
    """The first one's lock keeps it out, and is free afterwards."""
    root = StateRoot(tmp_path)
    (tmp_path / "locks").mkdir()
    with root.lock("x", 0), pytest.raises(StateError, match="another command"), root.lock("x", 0):
        pass
    with root.lock("x", 0):
        pass


def test_a_private_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """What can't be written leaves the earlier content and no other file."""
    path = tmp_path / "x"
    write_private(path, "one")
    with pytest.raises(UnicodeEncodeError):
        write_private(path, "\ud800")
    assert path.read_text() == "one"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_an_update_keeps_what_others_wrote(tmp_path: Path) -> None:
    """Each sees the content of the one before."""
    for key in ("a", "b"):
        with updating(tmp_path / "x.json") as content:
            content[key] = 1
    assert read_json(tmp_path / "x.json") == {"a": 1, "b": 1}

"""The end of a file that another process writes to."""

from __future__ import annotations

from pathlib import Path

from infra.errors import NodeError


class FileTail:
    """The whole lines that are added to a file, from when this is made."""

    def __init__(self, path: Path) -> None:
        """The file need not be there yet."""
        self._path = path
        self._rest = b""
        self._offset = path.stat().st_size if path.exists() else 0

    def new_lines(self) -> list[bytes]:
        """Those since the last call.

        Raises:
            NodeError: the file can't be read.
        """
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                fresh = file.read()
        except OSError as error:
            raise NodeError(f"{self._path} can't be read ({error.strerror})") from None
        self._offset += len(fresh)
        *lines, self._rest = (self._rest + fresh).split(b"\n")
        return lines

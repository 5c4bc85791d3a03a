"""Removes the System V shared memory that a killed PostgreSQL leaves behind, and only that."""

from __future__ import annotations

import ctypes
from pathlib import Path

_IPC_RMID = 0
_KEY_LINE = 6
"""In postmaster.pid: ``key id``, written by PostgreSQL's CreateLockFile/AddToDataDirLockFile(LOCK_FILE_LINE_SHMEM_KEY)."""


def forget_dead_server(data: Path) -> None:
    """Clean up after a server in ``data`` whose processes are all gone; does nothing where it ended cleanly."""
    pid_file = data / "postmaster.pid"
    try:
        key, segment = (int(word) for word in pid_file.read_text().splitlines()[_KEY_LINE].split())
    except (OSError, IndexError, ValueError):
        pass  # it ended cleanly, or died before it had a segment
    else:
        if (key, segment) in _unattached_segments():
            ctypes.CDLL(None, use_errno=True).shmctl(segment, _IPC_RMID, None)
    pid_file.unlink(missing_ok=True)  # a process that gets the same pid would keep the server from starting


def _unattached_segments() -> set[tuple[int, int]]:
    """Key and id of each segment that no process has attached."""
    try:
        header, *lines = Path("/proc/sysvipc/shm").read_text().splitlines()
    except OSError:
        return set()
    names = header.split()
    rows = (dict(zip(names, (int(word) for word in line.split()), strict=True)) for line in lines)
    return {(row["key"], row["shmid"]) for row in rows if row["nattch"] == 0}

"""Removes the System V shared memory that a killed PostgreSQL leaves behind, and only that."""

from __future__ import annotations

import contextlib
import ctypes
from pathlib import Path

_IPC_RMID = 0
_KEY_LINE = 6
"""In postmaster.pid: ``key id`` of the segment, once it is made (LOCK_FILE_LINE_SHMEM_KEY in PostgreSQL's miscadmin.h)."""
_KEY_BITS = 0xFFFF_FFFF


def forget_dead_servers(folder: Path) -> None:
    """Clean up after every server whose data is a folder in ``folder`` and whose processes are all gone."""
    for version in folder.glob("*/PG_VERSION"):
        forget_dead_server(version.parent)


def forget_dead_server(data: Path) -> None:
    """Clean up after a server in ``data`` whose processes are all gone; does nothing where it ended cleanly."""
    pid_file = data / "postmaster.pid"
    for key, segment in _unattached_segments():
        if key in _keys(data, pid_file):
            ctypes.CDLL(None, use_errno=True).shmctl(segment, _IPC_RMID, None)
    pid_file.unlink(missing_ok=True)  # a process that gets the same pid would keep the server from starting


def _keys(data: Path, pid_file: Path) -> set[int]:
    """The key that it wrote down, and the one that it tries first: the inode of its data folder, since PostgreSQL 13."""
    try:
        keys = {data.stat().st_ino & _KEY_BITS}
    except FileNotFoundError:
        return set()
    with contextlib.suppress(OSError, IndexError, ValueError):  # it ended cleanly, or died before it wrote that
        keys.add(int(pid_file.read_text().splitlines()[_KEY_LINE].split()[0]) & _KEY_BITS)
    return keys


def _unattached_segments() -> set[tuple[int, int]]:
    """Key and id of each segment that no process has attached."""
    try:
        header, *lines = Path("/proc/sysvipc/shm").read_text().splitlines()
    except OSError:
        return set()
    names = header.split()
    rows = (dict(zip(names, (int(word) for word in line.split()), strict=True)) for line in lines)
    return {(row["key"] & _KEY_BITS, row["shmid"]) for row in rows if row["nattch"] == 0}

"""Which version of the program makes a page: the same run gives the same bytes only where this is the same too."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
from functools import cache
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).resolve().parents[1]
_FOLDERS: Final = ("reports", "experiments/definition", "experiments/records")
"""What decides what a page says; a commit would not tell uncommitted changes apart, and not everybody has the history."""
_SUFFIXES: Final = frozenset({".py", ".j2"})
_LIBRARIES: Final = ("jinja2", "numpy", "pandas", "plotly", "pyarrow", "pydantic", "scipy")


@cache
def program() -> str:
    """A SHA-256 over the source, the libraries and the Python that make pages, in hexadecimal digits."""
    found = hashlib.sha256(platform.python_version().encode())
    for name in _LIBRARIES:
        found.update(f"{name} {importlib.metadata.version(name)}\n".encode())
    files = [path for folder in _FOLDERS for path in sorted((_ROOT / folder).rglob("*")) if path.suffix in _SUFFIXES]
    for file in (*files, _ROOT / "infra" / "topology.py"):
        content = file.read_bytes()
        found.update(f"{file.relative_to(_ROOT).as_posix()} {len(content)}\n".encode())
        found.update(content)
    return found.hexdigest()

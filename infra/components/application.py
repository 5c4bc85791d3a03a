"""What a replica of a service and a worker have in common: our own code, started as a module."""

from __future__ import annotations

import functools
import hashlib

from infra.settings import REPOSITORY


@functools.cache
def revision() -> str:
    """Digest of the application's source files: a replica that runs other ones has to be replaced."""
    digest = hashlib.sha256()
    for path in sorted((REPOSITORY / "app").rglob("*.py")):
        digest.update(f"{path.relative_to(REPOSITORY)}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]

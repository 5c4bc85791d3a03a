"""What the things of a deployment are called in the engine, and how they are found there again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from infra.home import Home

DEPLOYMENT_LABEL = "spirelab.deployment"
NODE_LABEL = "spirelab.node"
_DIGEST_LENGTH = 8


@dataclass(frozen=True)
class Names:
    """Names that no other deployment has: several users of one engine may each have a deployment ``lab``."""

    scope: str
    """The value of :data:`DEPLOYMENT_LABEL`."""

    @classmethod
    def of(cls, home: Home) -> Names:
        """Those of the deployment in ``home``, the same each time."""
        return cls(f"{home.name}-{hashlib.sha256(str(home.path).encode()).hexdigest()[:_DIGEST_LENGTH]}")

    def thing(self, name: str) -> str:
        """Of a container, network or volume."""
        return f"spirelab-{self.scope}-{name}"

    def labels(self, node: str | None = None) -> dict[str, str]:
        """Those of what belongs to the deployment, or to one of its nodes."""
        return {DEPLOYMENT_LABEL: self.scope, **({NODE_LABEL: node} if node else {})}

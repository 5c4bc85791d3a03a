"""Reads a stack's configuration: factors by their paths, and where the deployment is made."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from infra.engines.choosing import TargetName
from infra.errors import InfraError
from infra.topology import Topology, factors


@dataclass(frozen=True)
class StackConfiguration:
    """What a stack is to be."""

    target: TargetName
    topology: Topology


def read(values: Mapping[str, str], *, parallel: int) -> StackConfiguration:
    """The configuration that was made with ``pulumi config set``.

    Raises:
        InfraError: one sentence that names the key and the mend.
    """
    factor_values = dict(values)
    asked = factor_values.pop("target", "process")
    targets: dict[str, TargetName] = {name: name for name in get_args(TargetName)}
    if asked not in targets:
        raise InfraError(f"target is {asked!r}; pulumi config set target {' or '.join(targets)}")
    paths = [factor.path for factor in factors()]
    for key, value in factor_values.items():
        if key not in {*paths, "cache"}:
            close = difflib.get_close_matches(key, paths, n=1, cutoff=0.5)
            mend = f"pulumi config rm {key}" + (f" && pulumi config set {close[0]} {value}" if close else "")
            raise InfraError(f"the stack is configured with {key}, which is no factor; {mend}")
    try:
        topology = Topology().override(factor_values)
    except InfraError as error:
        raise InfraError(f"the stack's configuration: {error}; change it with `pulumi config set KEY VALUE`") from None
    waiting = topology.enrollment.replicas + topology.worker.replicas
    if waiting >= parallel:
        raise InfraError(
            f"enrollment.replicas and worker.replicas make {waiting} nodes that wait for the broker, and this pulumi makes {parallel} "
            f"nodes at a time; pulumi up --parallel {4 * waiting}"
        )
    return StackConfiguration(targets[asked], topology)

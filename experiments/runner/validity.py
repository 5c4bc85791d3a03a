"""When a trial counts: pure rules over what was recorded, each with the reason it gives."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.records.schema import FaultRecord


def load_problems(*, offered: int, recorded: int, slip_p99_ms: float, slip_limit_ms: float) -> tuple[str, ...]:
    """Why the load was not the one that was planned."""
    problems = []
    if recorded != offered:
        problems.append(f"{recorded} of {offered} scheduled requests were recorded; the load generator did not keep up or was cut short")
    if slip_p99_ms > slip_limit_ms:
        problems.append(
            f"the load generator sent 1 % of requests more than {slip_p99_ms:.0f} ms late (limit {slip_limit_ms:g} ms); "
            f"the machine was too busy: lower the rate or stop other programs"
        )
    return tuple(problems)


def fault_problems(faults: Sequence[FaultRecord]) -> tuple[str, ...]:
    """Why the faults can't be believed."""
    problems = []
    for fault in faults:
        name = f"the {fault.planned.title}"
        if fault.proof is None:
            problems.append(f"nothing shows that {name} took effect")
        elif fault.ready_s is None:
            problems.append(f"{fault.planned.where} was not ready again after {name}")
    return tuple(problems)

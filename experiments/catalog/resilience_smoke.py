"""A dozen cells of the matrix: one of each way to fail, on parts of every kind, in three minutes."""

from __future__ import annotations

from typing import Final

from experiments.catalog.resilience import EXPERIMENT as MATRIX
from experiments.definition import BoundClaim

CELLS: Final = (
    "control",
    "reload_gateway",
    "pause_broker",
    "crash_enrollment_db",
    "connection_exhaustion_courses_db",
    "memory_full_cache",
    "pause_courses_1",
    "stop_enrollment_all",
    "crash_worker_all",
    "silent_all_to_cache",
    "latency_gateway_to_courses",
    "reset_enrollment_to_broker",
)

EXPERIMENT = MATRIX.model_copy(
    update={
        "name": "resilience_smoke",
        "title": "Some parts, broken in some ways",
        "question": "Does the system still stand what it stood when the whole matrix was run?",
        "treatments": tuple(MATRIX.treatment(name) for name in CELLS),
        "claims": tuple(claim for claim in MATRIX.claims if isinstance(claim, BoundClaim) and claim.treatment in CELLS),
    }
)

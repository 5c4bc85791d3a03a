"""Replicas do what they are asked, and their answers get lost: the gateway asks others the same."""

from __future__ import annotations

from experiments.definition import AfterFault, LinkFault, LinkFaultKind
from infra.links.conditions import Direction
from tests.mutants.day import day

EXPERIMENT = day(
    "lost_answers",
    "Do the rules hold when what was done is asked for again, since the answer got lost?",
    load_s=8,
    faults=(
        LinkFault(
            kind=LinkFaultKind.SILENT, link="gateway->courses-1", direction=Direction.TO_CLIENT, name="courses", at_s=0.5, duration_s=2.5
        ),
        LinkFault(
            kind=LinkFaultKind.SILENT,
            link="gateway->enrollment-1",
            direction=Direction.TO_CLIENT,
            after=AfterFault(fault="courses"),
            duration_s=2.5,
        ),
    ),
    factors={"courses.replicas": 2, "enrollment.replicas": 2, "links": True},
)

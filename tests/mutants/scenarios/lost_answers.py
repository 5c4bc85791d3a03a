"""Replicas do what they are asked, and their answers get lost: the gateway asks others the same."""

from __future__ import annotations

from experiments.definition import AfterFault, LinkFault, LinkFaultKind
from infra.links.conditions import Direction
from tests.mutants.day import day

EXPERIMENT = day(
    "lost_answers",
    "Do the rules hold when what was done is asked for again, since the answer got lost?",
    load_s=10,
    faults=(
        # From before the first seat is taken on, and longer than the gateway leaves out a replica that has failed: it asks there again.
        LinkFault(kind=LinkFaultKind.SILENT, link="gateway->courses-1", direction=Direction.TO_CLIENT, name="courses", duration_s=4.5),
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

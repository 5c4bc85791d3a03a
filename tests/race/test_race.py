"""2,000 students race for the seats of a few courses while everything else happens, too; afterwards every rule has held."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing

import psycopg2.errors
import pytest

from infra.deployment import Deployment
from tests.contract.client import Broker
from tests.race import databases, plan
from tests.race.day import registration_day
from tests.race.history import History
from tests.race.rules import RULES

SEED = 20261126
MOST_SHOWN = 5
AWAY = {502, 503, 504}

pytestmark = pytest.mark.timeout(600)
"""The first of the tests runs the race."""


@pytest.fixture(scope="module")
def history(lab: Deployment, broker: Broker) -> History:
    """The one race that every rule is judged by."""
    return asyncio.run(registration_day(lab, broker, plan.draw(SEED), SEED))


def test_everything_happened_in_the_race(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    """Each kind of answer and of outcome was seen, so that no rule is kept for want of a chance to break it; and no error is internal."""
    asked = Counter(ask.status for ask in history.asked)
    outcomes = Counter((entry.status, entry.reason) for entry in history.enrollments.values())
    moments_s = [ask.span.answered_s for ask in history.asked]
    with capsys.disabled():
        print(  # noqa: T201 - the size of the race and its time
            f"\n{len(history.asked)} requests for enrolment in {max(moments_s) - min(moments_s):.1f} s: {dict(asked)}; {dict(outcomes)}; "
            f"{len(history.reads)} reads, {len(history.sightings)} of enrolments, {len(history.accounts)} of the seats in the database; "
            f"answers of 5xx: {dict(Counter(history.server_errors))}"
        )
    assert {202, 409, 422} <= asked.keys() <= {202, 409, 422, None}
    assert {200, 409} <= {drop.status for drop in history.drops} <= {200, 409, None}
    changes = {(write.method, write.status) for write in history.writes}
    assert changes == {("POST", 201), ("PATCH", 200), ("PATCH", 409), ("DELETE", 204), ("DELETE", 409)}
    reasons = ("course_full", "missing_prerequisites", "unknown_course")
    assert outcomes.keys() == {("enrolled", None), ("dropped", None), *(("rejected", reason) for reason in reasons)}
    assert set(history.server_errors) <= AWAY


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_rule_holds(history: History, rule: Callable[[History], Iterator[str]]) -> None:
    """Nothing that happened violates it."""
    violations = list(rule(history))
    assert not violations, f"{len(violations)} violations, the first of them: {violations[:MOST_SHOWN]}"


def test_the_database_itself_refuses_more_students_than_seats(lab: Deployment, history: History) -> None:
    """Whatever a service would do, no row has more seats taken than there are, or fewer than none."""
    with closing(databases.connect(lab, "courses")) as courses:
        for taken in ("capacity + 1", "-1"):
            with pytest.raises(psycopg2.errors.CheckViolation), courses.cursor() as cursor:
                cursor.execute(f"UPDATE courses SET taken = {taken} WHERE id = %s", (min(history.final.seats),))  # noqa: S608 - of this test

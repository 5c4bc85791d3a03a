"""The planted bugs: each a change of the product's source text, applied to a copy of it that a deployment then runs.

They live here so that the product has no switch for being wrong. A change that no longer fits the product's text fails a unit test.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = "app"


@dataclass(frozen=True)
class Change:
    """One replacement in one file; the old text stands there exactly once."""

    file: str
    """Relative to the package."""
    old: str
    new: str


@dataclass(frozen=True)
class Mutant:
    """A bug that somebody could have written."""

    name: str
    bug: str
    scenario: str
    """The day that it is looked for in."""
    changes: tuple[Change, ...]


class StaleMutantError(Exception):
    """The product's text has changed, so that the bug can't be planted as it is written down."""


def plant(mutant: Mutant, folder: Path) -> None:
    """Copy the product into ``folder`` with the bug in it.

    Raises:
        StaleMutantError: an old text does not stand in its file exactly once.
    """
    shutil.copytree(REPOSITORY / PACKAGE, folder / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    for change in mutant.changes:
        path = folder / PACKAGE / change.file
        text = path.read_text(encoding="utf-8")
        if text.count(change.old) != 1:
            raise StaleMutantError(f"{mutant.name}: {change.file} has {text.count(change.old)} times the text\n{change.old}")
        path.write_text(text.replace(change.old, change.new), encoding="utf-8")


NEVER_SENT_AGAIN = Change("enrollment/repository.py", "RESEND_AFTER = timedelta(minutes=2)", "RESEND_AFTER = timedelta(days=1)")
"""The outbox sends again what has had no effect: a bug in sending shows only where that is gone too."""

MUTANTS = (
    Mutant(
        "accepted_before_commit",
        "202 is answered although the request could not be stored",
        "servers",
        (
            Change(
                "enrollment/acceptance.py",
                """            log.warning("a request for enrolment could not be stored", extra={"error": error.detail})
            raise""",
                """            return Accepted(id=uuid4())""",
            ),
        ),
    ),
    Mutant(
        "no_outbox",
        "a request whose replica dies before it was published is published by nobody",
        "broker",
        (
            Change("enrollment/repository.py", "LEASE = timedelta(seconds=10)", "LEASE = timedelta(days=1)"),
            Change("enrollment/relay.py", "        if unsent:\n", "        if unsent and not unsent:\n"),
        ),
    ),
    Mutant(
        "no_publisher_confirm",
        "a message counts as sent when it was written to the socket",
        "broker",
        (
            NEVER_SENT_AGAIN,
            Change(
                "enrollment/relay.py",
                """                publisher.publish(task, Outgoing(str(task.enrollment_id), body, task.request_id))
                self._leased.popleft()
""",
                """                self._leased.popleft()
                await self._mark([task])
                publisher.publish(task, Outgoing(str(task.enrollment_id), body, task.request_id))
""",
            ),
            Change(
                "enrollment/relay.py",
                "        unsent = [task.outbox_id for task in (*publisher.outstanding, *self._leased)]",
                "        unsent = [task.outbox_id for task in self._leased]",
            ),
        ),
    ),
    Mutant(
        "not_mandatory",
        "a message that the broker has no queue for counts as sent",
        "queue_lost",
        (
            NEVER_SENT_AGAIN,
            Change("kit/publisher.py", "properties, mandatory=True)", "properties)"),
        ),
    ),
    Mutant(
        "acknowledged_before_decided",
        "the worker acknowledges a message before it has decided, and the outbox trusts it",
        "servers",
        (
            NEVER_SENT_AGAIN,
            Change(
                "enrollment/worker/consumer.py",
                "        try:\n            handled = await self._handle",
                "        subscription.acknowledge([item for item, _ in readable])\n        try:\n            handled = await self._handle",
            ),
            Change(
                "enrollment/worker/consumer.py",
                "        if handled:\n            subscription.acknowledge([delivery for delivery, _ in readable])\n",
                "        if handled:\n",
            ),
        ),
    ),
    Mutant(
        "decided_twice",
        "a second delivery of a message decides the request anew: no inbox, and the outcome that is there does not matter",
        "broker",
        (
            Change(
                "enrollment/worker/repository.py",
                "            ON CONFLICT DO NOTHING\n            RETURNING enrollment_id",
                "            ON CONFLICT (enrollment_id) DO UPDATE SET handled_at = now()\n            RETURNING enrollment_id",
            ),
            Change(
                "enrollment/worker/repository.py",
                "WHERE enrollments.id = decided.id AND current.status = 'pending'",
                "WHERE enrollments.id = decided.id",
            ),
            Change("enrollment/worker/batch.py", "if key in found and found[key].pending]", "if key in found]"),
        ),
    ),
    Mutant(
        "seats_read_then_written",
        "seats are read, counted and written back without a lock",
        "workers",
        (
            Change(
                "courses/repository.py",
                'WHERE id = ANY(CAST(:course_ids AS int[])) ORDER BY id FOR UPDATE"',
                'WHERE id = ANY(CAST(:course_ids AS int[])) ORDER BY id"',
            ),
            Change(
                "courses/repository.py",
                "    UPDATE courses SET taken = courses.taken + wanted.seats\n",
                "    UPDATE courses SET taken = wanted.seats\n",
            ),
            Change(
                "courses/repository.py",
                "    WHERE courses.id = wanted.course_id AND courses.taken + wanted.seats <= courses.capacity\n",
                "    WHERE courses.id = wanted.course_id\n",
            ),
            Change(
                "courses/reservations.py",
                "taken = {course.course_id: course.newly_taken for course in courses.values() if course.newly_taken}",
                "taken = {course.course_id: course.taken for course in courses.values() if course.newly_taken}",
            ),
        ),
    ),
    Mutant(
        "reservation_repeated",
        "a request for a seat that is sent again takes another seat",
        "lost_answers",
        (
            Change(
                "courses/reservations.py",
                "            known = repository.recorded(session, requests)\n            new =",
                "            known = {}\n            new =",
            ),
            Change(
                "courses/repository.py",
                "        ORDER BY id\n    )\n    UPDATE courses",
                "        ORDER BY id\n        ON CONFLICT (id) DO UPDATE SET outcome = excluded.outcome\n    )\n    UPDATE courses",
            ),
        ),
    ),
    Mutant(
        "seat_freed_twice",
        "giving up a seat a second time frees another one",
        "servers",
        (
            Change(
                "courses/reservations.py",
                "for answer in known.values() if answer.outcome is SeatOutcome.ACCEPTED]",
                "for answer in known.values() if answer.outcome in {SeatOutcome.ACCEPTED, SeatOutcome.RELEASED}]",
            ),
            Change(
                "enrollment/worker/repository.py", "WHERE seat_release = 'due' AND (id", "WHERE seat_release IN ('due', 'done') AND (id"
            ),
        ),
    ),
    Mutant(
        "seat_kept_after_drop",
        "a drop does not give up its seat",
        "servers",
        (
            Change(
                "enrollment/repository.py",
                '.values(status=Status.DROPPED, dropped_at=func.now(), seat_release="due")',
                '.values(status=Status.DROPPED, dropped_at=func.now(), seat_release="done")',
            ),
        ),
    ),
    Mutant(
        "prerequisites_not_checked",
        "a student without the prerequisites gets a seat",
        "servers",
        (
            Change(
                "courses/seats.py",
                "        if missing := [code for code in course.prerequisites if code not in request.completed_courses]:",
                "        if missing := [code for code in course.prerequisites[:0] if code not in request.completed_courses]:",
            ),
        ),
    ),
    Mutant(
        "prerequisites_not_rechecked",
        "the worker decides on the record of a student that it has looked up for an earlier request",
        "servers",
        (
            Change("enrollment/clients.py", "        found = {}\n", '        found = self.__dict__.setdefault("looked_up", {})\n'),
            Change("enrollment/clients.py", "_batches(sorted(set(student_ids)))", "_batches(sorted(set(student_ids) - found.keys()))"),
        ),
    ),
    Mutant(
        "last_seat_never_given",
        "a course is called full while one seat is free",
        "servers",
        (Change("courses/seats.py", "        elif course.taken >= course.capacity:", "        elif course.taken + 1 >= course.capacity:"),),
    ),
    Mutant(
        "key_reuse_accepted",
        "an Idempotency-Key with another body gives the earlier request",
        "servers",
        (Change("enrollment/acceptance.py", "        return IdempotencyKeyReusedError()", "        return Accepted(id=same_key.id)"),),
    ),
    Mutant(
        "key_ignored",
        "the same Idempotency-Key makes a second request",
        "servers",
        (
            Change(
                "enrollment/repository.py",
                "SELECT idempotency_key, id, student_id, course_id FROM wanted WHERE idempotency_key IS NOT NULL",
                "SELECT idempotency_key || id, id, student_id, course_id FROM wanted WHERE idempotency_key IS NOT NULL",
            ),
        ),
    ),
    Mutant(
        "dead_letters_dropped",
        "a request whose message was given up has no outcome",
        "given_up",
        (
            NEVER_SENT_AGAIN,
            Change(
                "enrollment/worker/batch.py",
                "            fail=frozenset(item.enrollment_id for item, dead, _ in messages if item.kind is Kind.DECIDE and dead),",
                "            fail=frozenset(),",
            ),
        ),
    ),
    Mutant(
        "stale_set",
        "a reader who loaded an old version puts it back into the cache after the writer's invalidation",
        "slow_reads",
        (
            Change(
                "kit/redis_cache.py",
                "if version and tonumber(version) > tonumber(ARGV[2]) then return 0 end\nredis.call('SET', KEYS[1]",
                "redis.call('SET', KEYS[1]",
            ),
        ),
    ),
    Mutant(
        "invalidation_forgotten",
        "an invalidation that Redis did not take is forgotten",
        "cache",
        (Change("kit/invalidation.py", "        self._breaker.lost()\n", "        return\n"),),
    ),
    Mutant(
        "invalidation_refused",
        "an invalidation that Redis refuses for want of memory is taken for delivered",
        "cache_full",
        (
            Change(
                "kit/invalidation.py",
                "every write but what frees memory\n            client.delete(self._keys.epoch)",
                "every write but what frees memory\n            return",
            ),
        ),
    ),
    Mutant(
        "no_invalidation",
        "a write leaves what is cached as it is",
        "cache",
        (
            Change(
                "kit/invalidation.py",
                "        if self._deliver(partial(self._outdate, self._own, key, version)):",
                "        if key:",
            ),
        ),
    ),
    Mutant(
        "peers_not_asked",
        "what a replica that is cut off from Redis alone has changed is read there by the others",
        "cache_cut_off",
        (Change("kit/invalidation.py", '        elif self._peers.ask(f"{version} {key}"):', "        elif not key:"),),
    ),
)

"""The rules that must survive every fault, each a pure function from a history to its violations."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from tests.race.history import NEVER_S, TERMINAL, Asked, Enrollment, History, Sighting
from tests.race.timeline import Holders, Timeline, course_path, student_path

RANKS = {"pending": 0, "enrolled": 1, "rejected": 2, "dropped": 2}
"""A request only ever goes to a state of a higher rank."""


def no_loss(history: History) -> Iterator[str]:
    """1. Every request answered 202 reaches exactly one outcome, and every view of it shows the same."""
    final = history.final
    for enrollment_id in _accepted(history):
        entry = final.by_id.get(enrollment_id)
        if entry is None:
            yield f"{enrollment_id} was accepted and is unknown"
            continue
        for view, listed in (("course", final.by_course.get(entry.course_id, ())), ("student", final.by_student.get(entry.student_id, ()))):
            if [item for item in listed if item.id == enrollment_id] != [entry]:
                yield f"{enrollment_id} is not once in the history of its {view} as it is by its id"
    for entry in history.enrollments.values():
        if entry.status not in TERMINAL:
            yield f"{entry.id} has no outcome: it is {entry.status}"


def no_ghosts(history: History) -> Iterator[str]:
    """2. Every outcome belongs to a request that was sent: to one that was accepted, or to one whose answer was lost."""
    accepted = _accepted(history)
    lost = [ask for ask in history.asked if ask.status is None]
    known_keys = {ask.key for ask in history.asked if ask.status == 202}
    unanswered = Counter(ask.body for ask in lost if ask.key is None)
    unanswered.update(body for _, body in {(ask.key, ask.body) for ask in lost if ask.key is not None and ask.key not in known_keys})
    for entry in history.enrollments.values():
        body = (entry.student_id, entry.course_id)
        if entry.id in accepted:
            if accepted[entry.id] != body:
                yield f"{entry.id} is about {body}, and {accepted[entry.id]} was asked for"
        else:
            unanswered[body] -= 1
            if unanswered[body] < 0:
                yield f"{entry} is of nobody, of those who asked: {[ask for ask in history.asked if ask.body == body]}"


def one_outcome(history: History) -> Iterator[str]:
    """3. An outcome never changes but from enrolled to dropped, and neither do its reason and its evidence."""
    of_request: defaultdict[str, list[Sighting]] = defaultdict(list)
    for sighting in history.sightings:
        of_request[sighting.enrollment.id].append(sighting)
    for enrollment_id, sightings in of_request.items():
        last = history.enrollments.get(enrollment_id)
        if last is None:
            yield f"{enrollment_id} was seen and is unknown in the end"
            continue
        for earlier, later in _in_order(sightings, last):
            if not _may_become(earlier, later):
                yield f"{enrollment_id} went from {earlier.status} ({earlier.reason}) to {later.status} ({later.reason})"


def no_over_enrolment(history: History) -> Iterator[str]:
    """4. Enrolled is at most the capacity at every moment, and enrolled plus free is the capacity."""
    for account in history.accounts:
        if not account.reserved == account.taken <= account.capacity:
            yield f"the database had {account}"
    for seats in history.seats:
        if not 0 <= seats.taken <= seats.capacity or seats.taken + seats.free != seats.capacity:
            yield f"a client was told {seats}"
    for entry in history.enrollments.values():
        saw = entry.evidence
        if entry.status == "enrolled" and (saw is None or saw.taken is None or saw.capacity is None or saw.taken >= saw.capacity):
            yield f"{entry.id} was enrolled on seeing {saw}"
    yield from _more_told_than_seats(history)
    yield from _seats_without_enrolment(history)


def no_false_rejection(history: History) -> Iterator[str]:
    """5. A rejection for capacity is only right if the seats could all have been taken at that moment; an unknown course was deleted."""
    timeline = Timeline(history)
    for entry in history.enrollments.values():
        saw = entry.evidence
        if entry.status != "rejected" or entry.reason == "missing_prerequisites":
            continue
        if entry.reason == "course_full":
            if saw is None or saw.taken is None or saw.capacity is None or saw.taken < saw.capacity:
                yield f"{entry.id} was rejected as full on seeing {saw}"
            elif not timeline.could_be_full(entry):
                holders = timeline.possible.get(entry.course_id, Holders()).at(timeline.window(entry).answered_s)
                yield f"{entry.id} was rejected as full when {holders} seats of course {entry.course_id} could have been taken"
        elif entry.reason != "unknown_course" or not timeline.may_be_deleted(
            course_path(entry.course_id), timeline.window(entry).answered_s
        ):
            yield f"{entry.id} was rejected for {entry.reason}"


def prerequisites_held(history: History) -> Iterator[str]:
    """6. Prerequisites held when the decision was made, and what it records is what was there then, as new as what its student knew."""
    timeline = Timeline(history)
    for entry in history.enrollments.values():
        saw = entry.evidence
        if saw is None:
            continue
        missing = () if saw.course_version is None else tuple(code for code in saw.prerequisites if code not in saw.completed_courses)
        if missing != saw.missing or bool(missing) != (entry.reason == "missing_prerequisites"):
            yield f"{entry.id} is {entry.status} ({entry.reason}) on seeing {saw}"
        told: dict[str, tuple[int | None, dict[str, Any]]] = {
            course_path(entry.course_id): (saw.course_version, {"capacity": saw.capacity, "prerequisites": list(saw.prerequisites)}),
            student_path(entry.student_id): (saw.student_version, {"completed_courses": list(saw.completed_courses)}),
        }
        for path, (version, fields) in told.items():
            if version is None:
                continue
            body = timeline.bodies.get(path, {}).get(version)
            if body is None or any(body[name] != value for name, value in fields.items()):
                yield f"{entry.id} says of {path} in version {version} {fields}, and it was {body}"
            if version < (known := timeline.acknowledged_version(path, timeline.asked_s[entry.id])):
                yield f"{entry.id} was decided on version {version} of {path}, asked for when {known} was acknowledged"


def no_second_effect(history: History) -> Iterator[str]:
    """7. The same key with the same body gives the same request, with another body 422; a conflict has an active request behind it."""
    by_key: defaultdict[str, list[Asked]] = defaultdict(list)
    for ask in history.asked:
        if ask.key is not None:
            by_key[ask.key].append(ask)
    for key, asks in by_key.items():
        accepted = [ask for ask in asks if ask.status == 202]
        if len({(ask.enrollment_id, ask.body) for ask in accepted}) > 1:
            yield f"key {key} gave several requests: {accepted}"
        for ask in asks:
            if ask.status == 422 and not _may_belong_to_another(ask, asks):
                yield f"{ask} was refused as if its key belonged to another request"
            if ask.status == 409 and any(item.span.precedes(ask.span) for item in accepted):
                yield f"{ask} was a conflict, and its key was accepted before"
    yield from _conflicts_without_reason(history)


def reads_are_fresh(history: History) -> Iterator[str]:
    """8. No read is older than a write that was acknowledged before it was sent, and each says what was written."""
    timeline = Timeline(history)
    for read in history.reads:
        if read.body is None:
            if timeline.acknowledged_version(read.path, read.span.sent_s) and not timeline.may_be_deleted(read.path, read.span.answered_s):
                yield f"{read.path} was not found, and it is there"
            continue
        version = read.body["version"]
        if timeline.must_be_deleted(read.path, read.span.sent_s):
            yield f"{read.path} was read in version {version} after its deletion was acknowledged"
        if version < (known := timeline.acknowledged_version(read.path, read.span.sent_s)):
            yield f"{read.path} was read in version {version} after version {known} was acknowledged"
        if timeline.bodies.get(read.path, {}).get(version) != read.body:
            yield f"{read.path} was read as {read.body}, which nobody wrote"


RULES: tuple[Callable[[History], Iterator[str]], ...] = (
    no_loss,
    no_ghosts,
    one_outcome,
    no_over_enrolment,
    no_false_rejection,
    prerequisites_held,
    no_second_effect,
    reads_are_fresh,
)


def _more_told_than_seats(history: History) -> Iterator[str]:
    """By what clients know alone: students who had been told that they are enrolled, at a moment with fewer seats."""
    timeline = Timeline(history)
    for course_id, holders in timeline.certain.items():
        for moment_s in timeline.moments(course_id, holders, 0.0, NEVER_S):
            if holders.at(moment_s) > (most := max(timeline.capacities(course_id, moment_s), default=0)):
                yield f"course {course_id} had {holders.at(moment_s)} students that had been told so, and at most {most} seats"
                break


def _seats_without_enrolment(history: History) -> Iterator[str]:
    """In the end seats, reservations and enrolments are the same."""
    enrolled = {entry.id: entry.course_id for entry in history.enrollments.values() if entry.status == "enrolled"}
    of_course = Counter(enrolled.values())
    for course_id, left in history.final.seats.items():
        if of_course[course_id] != (0 if left is None else left.taken):
            yield f"{of_course[course_id]} are enrolled in course {course_id} and its seats are {left}"
    for enrollment_id in enrolled.keys() ^ history.final.reservations:
        yield f"{enrollment_id} is {'enrolled without a seat' if enrollment_id in enrolled else 'not enrolled and holds a seat'}"


def _accepted(history: History) -> dict[str, tuple[int, int]]:
    return {ask.enrollment_id: ask.body for ask in history.asked if ask.enrollment_id is not None}


def _may_belong_to_another(ask: Asked, of_key: list[Asked]) -> bool:
    """Another body may have come with the key before this was answered, and this one never was the first; a refusal keeps its key too."""
    others = [item for item in of_key if item.body != ask.body and item.status in {202, 409, None}]
    same = [item for item in of_key if item.body == ask.body and item.status in {202, 409}]
    return not same and any(item.span.sent_s <= ask.span.answered_s for item in others)


def _in_order(sightings: list[Sighting], last: Enrollment) -> Iterator[tuple[Enrollment, Enrollment]]:
    """Pairs of what was seen, the first certainly before the second, so that the furthest state is compared with all after it."""
    by_answer = sorted(sightings, key=lambda sighting: sighting.span.answered_s)
    furthest: Enrollment | None = None
    position = 0
    for later in sorted(sightings, key=lambda sighting: sighting.span.sent_s):
        while by_answer[position].span.precedes(later.span):
            seen = by_answer[position].enrollment
            if furthest is None or RANKS[seen.status] > RANKS[furthest.status]:
                furthest = seen
            position += 1
        if furthest is not None:
            yield furthest, later.enrollment
    for sighting in sightings:
        yield sighting.enrollment, last


def _may_become(earlier: Enrollment, later: Enrollment) -> bool:
    if earlier.status == "pending":
        return True
    if earlier.status == later.status:
        return earlier == later
    return (earlier.status, later.status) == ("enrolled", "dropped") and earlier.evidence == later.evidence


def _conflicts_without_reason(history: History) -> Iterator[str]:
    """Answers 409 to a student who had no request for the course that could have been active then."""
    timeline = Timeline(history)
    of_body: defaultdict[tuple[int, int], list[Enrollment]] = defaultdict(list)
    for entry in history.enrollments.values():
        of_body[entry.student_id, entry.course_id].append(entry)
    for ask in history.asked:
        if ask.status == 409 and not any(_may_be_active(entry, ask, timeline) for entry in of_body[ask.body]) and not _again(ask, history):
            yield f"{ask} was a conflict with nothing"


def _again(ask: Asked, history: History) -> bool:
    """Its key may have been refused before, which it then is for ever."""
    earlier = (item for item in history.asked if ask.key is not None and (item.key, item.body) == (ask.key, ask.body))
    return any(item.status in {409, None} and item.span.sent_s < ask.span.sent_s for item in earlier)


def _may_be_active(entry: Enrollment, ask: Asked, timeline: Timeline) -> bool:
    dropped = timeline.dropped_s.get(entry.id)
    rejected = entry.status == "rejected" and timeline.window(entry).answered_s < ask.span.sent_s
    return timeline.asked_s[entry.id] <= ask.span.answered_s and not rejected and not (dropped and dropped.precedes(ask.span))

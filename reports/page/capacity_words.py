"""What the page calls things in a capacity run, and what they mean."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.definition import Implementation, Quantity
from experiments.records.capacity import QUANTITIES
from reports.page.data import Term
from reports.page.words import METRICS


@dataclass(frozen=True)
class QuantityWords:
    """How a quantity is called, and its unit as a page writes it."""

    title: str
    unit: str = ""

    @property
    def heading(self) -> str:
        """Title with its unit."""
        return f"{self.title} ({self.unit})" if self.unit else self.title


WORDS: dict[Quantity, QuantityWords] = {
    Quantity.DURATION_S: QuantityWords("Duration", "s"),
    Quantity.REQUESTS: QuantityWords("Answers"),
    Quantity.THROUGHPUT_PER_S: QuantityWords("Throughput", "answers/s"),
    Quantity.SERVER_CPU_US_PER_REQUEST: QuantityWords("Replica's processor time per answer", "µs"),
    Quantity.SYSTEM_CPU_US_PER_REQUEST: QuantityWords("Whole system's processor time per answer", "µs"),
    Quantity.REPLICA_MEMORY_MIB: QuantityWords("Memory of a replica", "MiB"),
    Quantity.LATENCY_P50_MS: QuantityWords("Latency when saturated, median", "ms"),
    Quantity.LATENCY_P99_MS: QuantityWords("Latency when saturated, p99", "ms"),
    Quantity.FAILED_REQUESTS: QuantityWords("Failed requests"),
    Quantity.REFUSED_REQUESTS: QuantityWords("Refused requests (503)"),
    Quantity.KEYS: QuantityWords("Different courses read"),
    Quantity.SQL_STATEMENTS: QuantityWords("SQL statements"),
    Quantity.DECISIONS: QuantityWords("Decisions"),
    Quantity.DECISIONS_PER_S: QuantityWords("Workers' decisions", "per s"),
    Quantity.WORKER_CPU_US_PER_DECISION: QuantityWords("Workers' processor time per decision", "µs"),
    Quantity.SYSTEM_CPU_US_PER_DECISION: QuantityWords("Whole system's processor time per decision", "µs"),
    Quantity.OVERBOOKED_COURSES: QuantityWords("Over-enrolled courses"),
    Quantity.OVERBOOKED_SEATS: QuantityWords("Seats too many"),
}

IMPLEMENTATIONS: dict[Implementation, str] = {
    Implementation.PRODUCT: "product",
    Implementation.TUTORIAL: "tutorial",
    Implementation.HELLO: "bare hello",
}

CLOSED_LOOP = (
    "Capacity is the most that a system takes. A fixed number of connections ask as fast as they can: each sends its next request when "
    "its last one was answered (a closed loop), so the load follows the system and saturates it. Read the throughput; the latencies are "
    "those of a saturated system, and not what users see: while an answer is slow, the requests that would have come meanwhile are never "
    "sent (coordinated omission). wrk guesses at them: for each answer that took longer than the mean it adds shorter samples that it "
    "never took, so its percentiles are estimates of its own, and no claim rests on them."
)
SEPARATE = (
    "This page has runs of two kinds, in sections of their own. An open loop asks what users see at a given load; a closed loop asks how "
    "much a system takes. Don't compare figures of one kind with figures of the other."
)

_OPEN_LOOP_TITLES = frozenset(words.title for words in METRICS.values())


def _term(quantity: Quantity, words: QuantityWords) -> Term:
    doc = QUANTITIES[quantity].doc
    title = f"{words.title} (closed loop)" if words.title in _OPEN_LOOP_TITLES else words.title
    return Term(title, f"{doc[:1].upper()}{doc[1:]}.")


GLOSSARY: tuple[Term, ...] = (
    Term("capacity, closed loop, coordinated omission", CLOSED_LOOP),
    Term(
        "product, tutorial, bare hello",
        "The system as it is; the same paths written plainly, as a tutorial would; an ASGI application that does nothing, on the same "
        "server program. One replica of each is asked, past the gateway.",
    ),
    Term(
        "round",
        "Measures every path on each implementation once, in random order. Ratios are taken within a round, estimates and intervals are "
        "over rounds, as they are over trials elsewhere.",
    ),
    Term(
        "must, aim",
        "What a figure has to reach, and what it is hoped to. Aim reached, must reached: the whole interval does. Missed: the whole "
        "interval falls short of the must. Inconclusive: the interval reaches across it, or there is none. Each comparison is judged by "
        "itself, without a correction for their number.",
    ),
    Term("valid measurement", "One in which nothing failed that was not meant to; no other enters estimates and verdicts."),
    *(_term(quantity, words) for quantity, words in WORDS.items()),
)

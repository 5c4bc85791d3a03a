"""How much work the cache takes off PostgreSQL, and what readers notice of it."""

from __future__ import annotations

from typing import Final

from experiments.definition import Arrivals, Experiment, Metric, Operation, Phases, RatioClaim, Treatment

MIX = {Operation.READ_COURSE: 75, Operation.LIST_COURSES: 5, Operation.READ_STUDENT: 20}
"""The minutes before registration opens: everybody looks at courses, few at the pages of the catalogue, most once at their record."""

RATE_PER_S: Final = 300
TTL_S: Final = 180
"""What the cache saves depends on how often a key is read while its entry lives. With the usual 60 s it is well within the claim at 900
reads/s, which is much for two processors without a cache; a third of the rate with entries that live three times as long saves the same.
The time to live is a factor of the treatments, because the claim would be another one at another: cache_curve asks at which loads it
holds."""

EXPERIMENT = Experiment(
    name="cache",
    title="Cache on against cache off",
    question="How many SQL statements does the cache keep away from PostgreSQL, and do readers get faster answers?",
    treatments=(
        Treatment(name="off", title="cache off", factors={"cache": False, "cache.ttl_s": TTL_S}),
        Treatment(name="on", title="cache on", factors={"cache": True, "cache.ttl_s": TTL_S}),
    ),
    mix=MIX,
    arrivals=Arrivals(rate_per_s=RATE_PER_S),
    phases=Phases(warm_up_s=1, measure_s=4.5),
    cache_start="steady",
    trials=7,
    claims=(
        RatioClaim(
            statement="In steady state the cache reduces SQL statements per read by 40-100x "
            f"({RATE_PER_S} reads/s of 1,200 records that live {TTL_S} s)",
            metric=Metric.SQL_PER_10K_READS,
            numerator="off",
            denominator="on",
            at_least=40,
            at_most=100,
        ),
        RatioClaim(
            # Not at the median: of a response of one millisecond the load generator's own lateness is more than a tenth.
            statement="The cache makes the 95th percentile of the response time at least 1.2 times shorter",
            metric=Metric.RESPONSE_P95_MS,
            numerator="off",
            denominator="on",
            at_least=1.2,
        ),
        RatioClaim(
            statement="A read costs at least 1.2 times as much processor time without the cache",
            metric=Metric.CPU_MS_PER_REQUEST,
            numerator="off",
            denominator="on",
            at_least=1.2,
        ),
    ),
)

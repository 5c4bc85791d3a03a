"""How much work the cache takes off PostgreSQL, and what readers notice of it."""

from __future__ import annotations

from experiments.definition import Arrivals, Experiment, Metric, Operation, Phases, RatioClaim, Treatment

EXPERIMENT = Experiment(
    name="cache",
    title="Cache on against cache off",
    question="How many SQL statements does the cache keep away from PostgreSQL, and do readers get faster answers?",
    treatments=(
        Treatment(name="off", title="cache off", factors={"cache": False}),
        Treatment(name="on", title="cache on", factors={"cache": True}),
    ),
    # The minutes before registration opens: everybody looks at courses, few at the pages of the catalogue, most once at their record.
    # Each trial begins with an empty cache, and what is rarely asked for is still cold after the warm-up: once every entry has lived its
    # 60 s the factor is larger.
    mix={Operation.READ_COURSE: 75, Operation.LIST_COURSES: 5, Operation.READ_STUDENT: 20},
    # Well below what two processors serve without a cache: at 250/s a slowed machine turned trials into ones of overload.
    arrivals=Arrivals(rate_per_s=120),
    phases=Phases(warm_up_s=4, measure_s=7),
    claims=(
        RatioClaim(
            statement="The cache reduces SQL statements per read by 40-100x",
            metric=Metric.SQL_PER_10K_READS,
            numerator="off",
            denominator="on",
            at_least=40,
            at_most=100,
        ),
        RatioClaim(
            statement="The cache makes the median response faster",
            metric=Metric.RESPONSE_P50_MS,
            numerator="off",
            denominator="on",
            at_least=1,
        ),
        RatioClaim(
            statement="The cache halves the 95th percentile of the response time",
            metric=Metric.RESPONSE_P95_MS,
            numerator="off",
            denominator="on",
            at_least=2,
        ),
    ),
)

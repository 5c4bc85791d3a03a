"""Where the cache keeps its promise: what it saves over the offered rate, the popularity of what is read, and the time to live."""

from __future__ import annotations

from typing import Final

from experiments.catalog.cache import MIX
from experiments.definition import Arrivals, CurveClaim, Experiment, Metric, Phases, Treatment

RATES_PER_S: Final = (120, 250, 800, 1000)
"""Two well below the loads at which 40x is reached in theory, and two well above; at the edge no affordable number of trials decides."""
TTL_S: Final = 60

OFF: Final = Treatment(name="off", title="cache off", factors={"cache": False})
"""One treatment without the cache is enough: each read is a statement, at any rate and popularity."""
BY_RATE: Final = tuple(Treatment(name=f"on_{rate}", title=f"{rate:,} reads/s", rate_per_s=rate) for rate in RATES_PER_S)
OTHERS: Final = (
    Treatment(name="on_1000_zipf_0_8", title="1,000 reads/s, Zipf 0.8", rate_per_s=1000, zipf_exponent=0.8),
    Treatment(name="on_250_zipf_1_4", title="250 reads/s, Zipf 1.4", rate_per_s=250, zipf_exponent=1.4),
    Treatment(name="on_1000_ttl_20", title="1,000 reads/s, 20 s", rate_per_s=1000, factors={"cache.ttl_s": 20}),
    Treatment(name="on_250_ttl_180", title="250 reads/s, 180 s", rate_per_s=250, factors={"cache.ttl_s": 180}),
)
"""At another popularity or time to live; they are drawn beside the theory, and no claim speaks of them."""

EXPERIMENT = Experiment(
    name="cache_curve",
    title="What the cache saves by rate, popularity and time to live",
    question="At which loads does the cache reduce SQL statements by 40-100x, and is it what theory expects?",
    treatments=(OFF, *BY_RATE, *OTHERS),
    mix=MIX,
    arrivals=Arrivals(rate_per_s=250),
    phases=Phases(warm_up_s=1, measure_s=5),
    cache_start="steady",
    # The fewest that can decide four points together.
    trials=8,
    claims=(
        CurveClaim(
            statement=f"In steady state the cache reduces SQL statements per read by 40-100x, of 1,200 records that live {TTL_S} s",
            metric=Metric.SQL_PER_10K_READS,
            numerator=OFF.name,
            points=tuple(treatment.name for treatment in BY_RATE),
            at_least=40,
            at_most=100,
        ),
    ),
)

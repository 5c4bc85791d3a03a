"""Where the cache keeps its promise: what it saves over the offered rate, the popularity of what is read, and the time to live."""

from __future__ import annotations

from typing import Final

from experiments.catalog.cache import MIX
from experiments.definition import Arrivals, CurveClaim, Experiment, Metric, Phases, Treatment

BASE_RATES_PER_S: Final = (120, 250, 400, 700, 1000, 1200)
OTHER_RATES_PER_S: Final = (250, 1000)
POPULARITIES: Final = (0.8, 1.4)
"""Zipf exponents, one flatter and one steeper than the usual 1.1."""
TTLS_S: Final = (20, 180)
"""Beside the usual 60 s."""

OFF: Final = Treatment(name="off", title="cache off", factors={"cache": False})
"""One treatment without the cache is enough: each read is a statement, at any rate and popularity."""
BASE: Final = tuple(Treatment(name=f"on_{rate}", title=f"{rate:,} reads/s", rate_per_s=rate) for rate in BASE_RATES_PER_S)
BY_POPULARITY: Final = tuple(
    Treatment(
        name=f"on_{rate}_zipf_{exponent:g}".replace(".", "_"),
        title=f"{rate:,} reads/s, Zipf {exponent:g}",
        rate_per_s=rate,
        zipf_exponent=exponent,
    )
    for exponent in POPULARITIES
    for rate in OTHER_RATES_PER_S
)
BY_TTL: Final = tuple(
    Treatment(name=f"on_{rate}_ttl_{ttl_s}", title=f"{rate:,} reads/s, {ttl_s} s", rate_per_s=rate, factors={"cache.ttl_s": ttl_s})
    for ttl_s in TTLS_S
    for rate in OTHER_RATES_PER_S
)

EXPERIMENT = Experiment(
    name="cache_curve",
    title="What the cache saves by rate, popularity and time to live",
    question="At which loads does the cache reduce SQL statements by 40-100x, and is it what theory expects?",
    treatments=(OFF, *BASE, *BY_POPULARITY, *BY_TTL),
    mix=MIX,
    arrivals=Arrivals(rate_per_s=250),
    phases=Phases(warm_up_s=1, measure_s=5),
    cache_start="steady",
    claims=(
        CurveClaim(
            statement="In steady state the cache reduces SQL statements per read by 40-100x, of 1,200 records that live 60 s",
            metric=Metric.SQL_PER_10K_READS,
            numerator=OFF.name,
            points=tuple(treatment.name for treatment in BASE),
            at_least=40,
            at_most=100,
        ),
        CurveClaim(
            statement="It does so at other popularities and times to live",
            metric=Metric.SQL_PER_10K_READS,
            numerator=OFF.name,
            points=tuple(treatment.name for treatment in (*BY_POPULARITY, *BY_TTL)),
            at_least=40,
            at_most=100,
        ),
    ),
)

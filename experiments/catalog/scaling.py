"""What more replicas bring when they share the processors of one machine."""

from __future__ import annotations

from experiments.definition import Arrivals, Experiment, Metric, Operation, Phases, RatioClaim, Treatment

EXPERIMENT = Experiment(
    name="scaling",
    title="One replica of each service against 3/2/2",
    question="On one machine and under the same load, do more replicas answer faster, and what do they cost?",
    treatments=(
        Treatment(name="single", title="1/1/1"),
        Treatment(
            name="scaled",
            title="3/2/2",
            factors={"courses.replicas": 3, "students.replicas": 2, "enrollment.replicas": 2},
        ),
    ),
    mix={
        Operation.READ_COURSE: 65,
        Operation.LIST_COURSES: 8,
        Operation.READ_STUDENT: 18,
        Operation.ENROLL: 6,
        Operation.READ_ENROLLMENT: 3,
    },
    # Well below what two processors serve: a busier machine must not turn the trial into one of overload. Some 1,125 requests, so that p99
    # can be printed.
    arrivals=Arrivals(rate_per_s=250),
    # Every replica is new in every trial: with a warm-up of two seconds the service time of the eight of 3/2/2 fell by 18 % while it was
    # measured.
    phases=Phases(warm_up_s=4, measure_s=4.5),
    # The fewest that can decide three claims together.
    trials=7,
    claims=(
        RatioClaim(
            statement="At the median 3/2/2 takes at most 1.25 times as long as 1/1/1",
            metric=Metric.RESPONSE_P50_MS,
            numerator="scaled",
            denominator="single",
            at_most=1.25,
        ),
        RatioClaim(
            statement="At the 95th percentile 3/2/2 takes at most 1.5 times as long as 1/1/1",
            metric=Metric.RESPONSE_P95_MS,
            numerator="scaled",
            denominator="single",
            at_most=1.5,
        ),
        RatioClaim(
            statement="3/2/2 costs at most 1.5 times as much processor time for each request",
            metric=Metric.CPU_MS_PER_REQUEST,
            numerator="scaled",
            denominator="single",
            at_most=1.5,
        ),
    ),
)

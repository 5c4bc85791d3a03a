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
    # Well below what two processors serve: a busier machine must not turn the trial into one of overload.
    arrivals=Arrivals(rate_per_s=100),
    phases=Phases(warm_up_s=2, measure_s=5),
    claims=(
        RatioClaim(
            statement="3/2/2 answers at least as fast as 1/1/1 at the 95th percentile",
            metric=Metric.RESPONSE_P95_MS,
            numerator="scaled",
            denominator="single",
            at_most=1,
        ),
        RatioClaim(
            statement="3/2/2 serves the offered load as fully as 1/1/1",
            metric=Metric.THROUGHPUT_PER_S,
            numerator="scaled",
            denominator="single",
            at_least=0.98,
        ),
        RatioClaim(
            statement="3/2/2 costs at most 20 % more processor time for each request",
            metric=Metric.CPU_MS_PER_REQUEST,
            numerator="scaled",
            denominator="single",
            at_most=1.2,
        ),
    ),
)

"""The stages of a trial, in order, as data; each is a function of what was gathered so far."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from experiments.clock import unix_time_of
from experiments.definition import targets
from experiments.errors import TrialError
from experiments.faults.accepted import AcceptedEnrolments
from experiments.faults.making import disturbance
from experiments.faults.schedule import FaultSchedule, Surroundings
from experiments.invariants.history import History
from experiments.plan import portion_of
from experiments.probes.machine import MachineProbe
from experiments.probes.sampler import Sampler, instants
from experiments.records.history import EnrollmentRow, Mark
from experiments.records.history import Trial as TrialEvent
from experiments.records.schema import ClockRecord
from experiments.records.validity import RequestTimes, bounds_slowest, clock_problems, fault_problems, load_problems, slip_problems
from experiments.resets import restarts_replicas
from experiments.runner.attempt import Attempt
from experiments.runner.chronicle import Chronicle, PhaseMarks
from experiments.runner.interfaces import Load
from experiments.runner.interrupts import Interrupts
from experiments.runner.looks import Asked
from experiments.runner.session import Session
from experiments.settings import Settings
from infra.deployment import Deployment

WAIT_POLL_S: Final = 0.05


@dataclass(frozen=True)
class Bench:
    """What all trials of a suite share."""

    session: Session
    settings: Settings
    interrupts: Interrupts
    note: Callable[[str], None]

    @property
    def deployment(self) -> Deployment:
        """The deployment that is up.

        Raises:
            TrialError: none is; the deploy stage comes first.
        """
        if self.session.deployment is None:
            raise TrialError("nothing is deployed yet; the deploy stage comes first")
        return self.session.deployment


@dataclass(frozen=True)
class Stage:
    """One step of a trial."""

    name: str
    run: Callable[[Bench, Attempt], None]
    ends_the_run: bool = False
    """A failure here would meet every later trial too."""


def deploy(bench: Bench, attempt: Attempt) -> None:
    """Change the deployment into the treatment's topology."""
    bench.session.deploy(attempt.topology, bench.note)


def seed(bench: Bench, attempt: Attempt) -> None:
    """Create the population, unless it is there."""
    bench.session.seed(attempt.experiment, bench.deployment.endpoints.gateway_url, bench.note)


def restart_replicas(bench: Bench, attempt: Attempt) -> None:
    """Start every service replica and worker afresh, if the experiment's treatments differ in their topology."""
    if restarts_replicas(attempt.experiment):
        bench.session.restart_replicas()


def flush(bench: Bench, _attempt: Attempt) -> None:
    """Empty the cache, so that no trial profits from another."""
    bench.session.outside.inspection.flush_cache(bench.deployment)


def plant_delay(bench: Bench, attempt: Attempt) -> None:
    """Let the links hold answers back as the treatment says, in an experiment that plants a slowdown anywhere."""
    if any(treatment.delay_us for treatment in attempt.experiment.treatments):
        bench.session.outside.inspection.hold_back(bench.deployment, attempt.treatment.delay_us)


def look_before(bench: Bench, attempt: Attempt) -> None:
    """Read the business state that the trial begins with."""
    session = bench.session
    before = session.outside.inspection.look_before(bench.deployment)
    attempt.rows_before = () if before is None else before.rows
    attempt.known = dict(session.known if before is None else before.known)


def fill_cache(bench: Bench, attempt: Attempt) -> None:
    """Bring the cache into the steady state of the treatment's load, if trials begin with that, just before the load.

    Without a cache the same is read, so that every treatment's processes are equally warm.
    """
    if attempt.experiment.cache_start != "steady":
        return
    if attempt.generator is None:
        raise TrialError("the load generator was not launched, so no load would follow the fill at once; the launch stage comes first")
    outside = bench.session.outside
    outside.inspection.read_through(
        bench.deployment, outside.load.cached_paths(attempt.experiment, bench.session.population, attempt.planned)
    )
    attempt.generator.await_ready()
    outside.inspection.age_cache(bench.deployment, seed=attempt.planned.seed, lead_s=bench.settings.start_lead_s)


def launch(bench: Bench, attempt: Attempt) -> None:
    """Decide the load and start its generator, which gets ready while the next stages do their work."""
    attempt.scratch.mkdir(exist_ok=True)
    folder = attempt.undo.enter_context(tempfile.TemporaryDirectory(dir=attempt.scratch, ignore_cleanup_errors=True))
    attempt.chronicle = Chronicle(attempt.journals)
    attempt.generator = bench.session.outside.load.prepare(
        attempt.experiment,
        bench.session.population,
        attempt.planned,
        portion=portion_of(attempt.experiment, attempt.planned),
        gateway_url=bench.deployment.endpoints.gateway_url,
        folder=Path(folder),
        history=attempt.chronicle.load_journal,
    )
    attempt.undo.callback(attempt.generator.stop)
    attempt.generator.launch()


def load(bench: Bench, attempt: Attempt) -> None:
    """Send the load while faults happen and probes watch."""
    outside, generator, chronicle = bench.session.outside, attempt.generator, attempt.chronicle
    if generator is None or chronicle is None:
        raise TrialError("the load generator was not launched, so there is nothing that could send; the launch stage comes first")
    with attempt.undo.pop_all() as undo:
        faults = _fault_schedule(bench, attempt, chronicle)
        undo.callback(faults.stop)
        times = instants(attempt.phases, bench.settings.probe_period_s)
        breaks = any(treatment.breaks for treatment in attempt.experiment.treatments)  # the same in control and treatment
        watching = (*outside.inspection.probes(bench.deployment, replicas=breaks), MachineProbe(generator.pid))
        samplers = [Sampler(probe, times) for probe in watching]
        for sampler in samplers:
            undo.callback(sampler.stop)
        generator.await_ready()
        attempt.epoch_s = time.monotonic() + bench.settings.start_lead_s
        generator.start(attempt.epoch_s)
        chronicle.begin(attempt.epoch_s)
        attempt.epoch_unix_s = unix_time_of(attempt.epoch_s)
        _enter_beginning(bench, attempt, chronicle, attempt.epoch_unix_s)
        for sampler in samplers:
            sampler.start(attempt.epoch_s)
        faults.start(attempt.epoch_s)
        _wait(bench, generator, PhaseMarks(attempt.phases, chronicle))
        chronicle.append(Mark(at_s=chronicle.now_s(), name="load_over"))
        attempt.clock = ClockRecord(epoch_at_start_unix_s=attempt.epoch_unix_s, epoch_at_end_unix_s=unix_time_of(attempt.epoch_s))
        faults.stop()
        chronicle.append(Mark(at_s=chronicle.now_s(), name="healed"))
        for sampler in samplers:
            sampler.finish()
            attempt.samples += sampler.samples()
            attempt.reasons += filter(None, [sampler.problem()])
        attempt.probes = tuple(sampler.record() for sampler in samplers)
        attempt.faults = faults.records()
        attempt.reasons += faults.problems() or fault_problems(attempt.faults)
        attempt.load = generator.result()
    sent, rules = RequestTimes.of(attempt.load.requests), bench.settings.rules
    attempt.reasons += (
        *load_problems(attempt.load.offered, sent),
        *slip_problems(attempt.phases, sent, rules, bounds_slowest=bounds_slowest(attempt.experiment, attempt.treatment.name)),
        *clock_problems(attempt.clock, rules),
    )


def settle(bench: Bench, attempt: Attempt) -> None:
    """Wait until nothing is under way and read the business state."""
    session = bench.session
    if attempt.chronicle is None or attempt.load is None:
        raise TrialError("there was no load, so there is nothing to read; the load stage comes first")
    chronicle, history = attempt.chronicle, History(attempt.chronicle.events())
    students, courses = history.students_and_courses()
    asked = Asked(tuple(history.accepted), students, courses, attempt.known)
    after = session.outside.inspection.look_after(bench.deployment, asked, chronicle.now_s)
    chronicle.append(*after)
    session.known = {**attempt.known, **{row.enrollment: row.state for row in after if isinstance(row, EnrollmentRow)}}


STAGES: Final = (
    Stage("deploy", deploy, ends_the_run=True),
    Stage("seed", seed, ends_the_run=True),
    Stage("restart replicas", restart_replicas),
    Stage("launch load generator", launch),
    Stage("flush cache", flush),
    Stage("plant delay", plant_delay),
    Stage("look before", look_before),
    Stage("fill cache", fill_cache),
    Stage("load", load),
    Stage("settle", settle),
)
"""Every trial runs through these; what they gathered is then checked and recorded."""


def _enter_beginning(bench: Bench, attempt: Attempt, chronicle: Chronicle, epoch_unix_s: float) -> None:
    """What the checkers have to know before the first operation."""
    now_s = chronicle.now_s()
    beginning = TrialEvent(
        at_s=now_s,
        trial_id=attempt.planned.trial_id,
        epoch_unix_s=epoch_unix_s,
        staleness_bound_s=attempt.experiment.staleness_bound_of(attempt.treatment),
        decision_bound_s=attempt.experiment.decision_bound_s,
    )
    chronicle.append_before(attempt.rows_before)
    chronicle.append(beginning, *(owed.model_copy(update={"at_s": now_s}) for owed in bench.session.owed))


def _fault_schedule(bench: Bench, attempt: Attempt, chronicle: Chronicle) -> FaultSchedule:
    platform = bench.session.outside.platform
    control = platform.control()
    around = Surroundings(
        make=lambda fault, struck: chronicle.recorded(fault, disturbance(fault, struck, platform.current(), control)),
        journal=platform.journal(),
        note=bench.note,
        accepted=AcceptedEnrolments(platform.access_log()).count,
    )
    return FaultSchedule([(fault, targets(fault, attempt.topology)) for fault in attempt.planned_faults], around)


def _wait(bench: Bench, generator: Load, marks: PhaseMarks) -> None:
    while not generator.finished():
        bench.interrupts.sleep(WAIT_POLL_S)
        marks.look()

"""The real rig: two deployments and a hello side by side, of which one at a time is under load."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from functools import cached_property
from typing import Any

from experiments.capacity import closed_loop, counted
from experiments.capacity.hello import NODE, Hello
from experiments.capacity.registration import Registration, Tools
from experiments.capacity.result import Result
from experiments.capacity.side import COURSES, Side
from experiments.capacity.wrk import Loop, Wrk
from experiments.definition import (
    CapacityExperiment,
    ColdKeyPath,
    Implementation,
    Quantity,
    ReadPath,
    RegistrationPath,
    ZipfPath,
)
from experiments.errors import ExperimentError, MeasurementError
from experiments.randomness import generator, zipf_ranks
from experiments.records.capacity import PlannedMeasurement
from experiments.runner.interfaces import Note
from experiments.runner.interrupts import Interrupts
from infra.deployment import Deployment, Role
from infra.toolchain import Tool


class LiveRig:
    """Measures real servers; the implementations are brought up when they are first needed."""

    def __init__(self, sides: Mapping[Implementation, Side], wrk: Callable[[], Tool], interrupts: Interrupts) -> None:
        """``wrk`` finds or installs the program."""
        self._sides = sides
        self._find_wrk = wrk
        self._interrupts = interrupts
        self._hello = Hello(interrupts.sleep)

    @cached_property
    def _wrk(self) -> Wrk:
        return Wrk(self._find_wrk(), self._interrupts.sleep)

    @property
    def generator(self) -> str:
        """Program and version that sends the load."""
        return self._wrk.generator

    def prepare(self, experiment: CapacityExperiment, *, cache: bool, note: Note) -> Deployment:
        """Make all implementations ready that the experiment has; a deployment of them, the product's where it is measured.

        Raises:
            ExperimentError: the data could not be made, or wrk can't be had.
        """
        note("looking for wrk")
        _ = self._wrk
        if Implementation.HELLO in experiment.implementations:
            self._hello.start()
        wanted = [side for implementation, side in self._sides.items() if implementation in experiment.implementations]
        deployments = [side.prepare(experiment, cache=cache, note=note) for side in wanted]
        return deployments[0]

    def measure(self, experiment: CapacityExperiment, planned: PlannedMeasurement, note: Note) -> Result:
        """Measure one path on one implementation.

        Raises:
            ExperimentError: it can't be done.
        """
        path = experiment.path(planned.path)
        if isinstance(path, ReadPath) and planned.implementation is Implementation.HELLO:
            return self._greet(experiment, path)
        side = self._sides[planned.implementation]
        if isinstance(path, ReadPath):
            return self._read(experiment, path, side, note)
        if isinstance(path, RegistrationPath):
            tools = Tools(self._wrk, self._wait_for, self._interrupts.sleep, note)
            batch = f"R{planned.position}"
            return Registration(side, path, tools, batch=batch, measure_s=experiment.measure_s).run()
        return self._count(experiment, path, side, planned.round)

    def down(self, note: Note) -> None:
        """Remove everything with its data; harmless where there is nothing."""
        with ExitStack() as all_of_them:  # also where one of them fails
            for side in self._sides.values():
                all_of_them.callback(side.down, note)
            all_of_them.callback(self._hello.stop)

    def _greet(self, experiment: CapacityExperiment, path: ReadPath) -> Result:
        loop = Loop(self._hello.url + path.target, path.connections, experiment.measure_s)
        return closed_loop.read(self._wrk, loop, self._hello.meter(), NODE, warm_up_s=experiment.warm_up_s, overload=path.overload)

    def _read(self, experiment: CapacityExperiment, path: ReadPath, side: Side, note: Note) -> Result:
        node = side.nodes(Role.SERVICE, COURSES)[0]
        target = path.target.format(id=side.population.course_ids[0])
        loop = Loop(side.urls(COURSES)[0] + target, path.connections, experiment.measure_s, count_refusals=path.overload)
        # The load of an overload is not warmed up with itself: it would be measured on what the warm-up left waiting.
        warm_up_s = 0.0 if path.overload else experiment.warm_up_s
        try:
            return closed_loop.read(self._wrk, loop, side.meter, node.name, warm_up_s=warm_up_s, overload=path.overload)
        finally:
            if path.overload:
                side.revive(node, target, note)

    def _count(self, experiment: CapacityExperiment, path: ColdKeyPath | ZipfPath, side: Side, number: int) -> Result:
        courses = side.population.course_ids
        urls = side.urls(COURSES)
        rng = generator(experiment.seed, path.name, number)
        side.flush_cache()
        if isinstance(path, ColdKeyPath):
            cold = [courses[rank] for rank in rng.choice(len(courses), path.keys, replace=False).tolist()]
            found: Result = self._wait_for(lambda: counted.cold_keys(urls, path.clients, cold, side.statements))
            return found
        read = [courses[rank] for rank in zipf_ranks(rng, path.reads, len(courses), experiment.dataset.zipf_exponent).tolist()]
        nodes = [node.name for node in side.nodes(Role.SERVICE, COURSES)]
        with side.meter.measured() as cost:
            result: Result = self._wait_for(lambda: counted.many_keys(urls, path.clients, read, side.statements))
        costs = {
            Quantity.SERVER_CPU_US_PER_REQUEST: cost.us_each(path.reads, nodes),
            Quantity.SYSTEM_CPU_US_PER_REQUEST: cost.us_each(path.reads),
            Quantity.REPLICA_MEMORY_MIB: side.meter.memory_mib(nodes[0]),
        }
        return Result({**result.values, **costs}, result.reason)

    def _wait_for(self, start: Callable[[], Awaitable[Any]]) -> Any:
        """Run a coroutine to its end; a signal ends it at once.

        Raises:
            MeasurementError: a connection of it failed, or what it asked for was refused.
        """

        async def run() -> Any:
            return await start()

        with self._interrupts.at_once():
            try:
                return asyncio.run(run())
            except OSError as error:
                raise MeasurementError(str(error) or type(error).__name__) from None
            except ExceptionGroup as group:
                first = _first(group)
                if isinstance(first, OSError | ExperimentError):
                    raise MeasurementError(str(first) or type(first).__name__) from None
                raise


def _first(group: ExceptionGroup[Exception]) -> Exception:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, ExceptionGroup) else first

"""What the instrument itself uses, and how busy the machine is that it shares with what it measures."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from experiments.errors import ProbeError
from experiments.probes.sampler import Reading

MACHINE: Final = "machine"
GENERATOR: Final = "generator"
LAB: Final = "lab"
PROC: Final = Path("/proc")
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_MICROSECONDS_PER_S: Final = 1e6
_BUSY: Final = ("user", "nice", "system", "irq", "softirq")
_TIMES: Final = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
"""The first columns of /proc/stat, see proc_stat(5)."""
_USER_TIME: Final = 11
"""Place of utime behind the name of the program in /proc/PID/stat, see proc_pid_stat(5); stime follows."""


class MachineProbe:
    """Reads a few small files of /proc, which takes less than a millisecond."""

    name: Final = MACHINE

    def __init__(self, generator_pid: int, proc: Path = PROC) -> None:
        """``proc``: where the kernel's files are."""
        self._generator_pid = generator_pid
        self._proc = proc

    def read(self) -> list[Reading]:
        """Processor time of the load generator while it runs, of this process with all its probes, and of the machine.

        Raises:
            ProbeError: the kernel's files are not there.
        """
        try:
            machine = [*self._processors(), Reading(MACHINE, "load_average", float(self._text("loadavg").split()[0]))]
        except (OSError, LookupError, ValueError) as error:
            raise ProbeError(f"{self._proc} can't be read ({error})") from None
        lab = Reading(LAB, "instrument_cpu_seconds", time.process_time())
        return [*machine, lab, *self._pressure(), *self._generator()]

    def close(self) -> None:
        """Holds nothing."""

    def _processors(self) -> Iterator[Reading]:
        ticks = dict(zip(_TIMES, map(int, self._text("stat").splitlines()[0].split()[1:]), strict=False))
        yield Reading(MACHINE, "machine_busy_seconds", sum(ticks[name] for name in _BUSY) / _TICKS_PER_S)
        yield Reading(MACHINE, "steal_seconds", ticks["steal"] / _TICKS_PER_S)

    def _pressure(self) -> Iterator[Reading]:
        """Pressure stall information; some kernels are built or started without it."""
        with suppress(OSError, LookupError, ValueError):
            some = next(line for line in self._text("pressure/cpu").splitlines() if line.startswith("some "))
            total = dict(field.split("=") for field in some.split()[1:])["total"]
            yield Reading(MACHINE, "cpu_pressure_seconds", int(total) / _MICROSECONDS_PER_S)

    def _generator(self) -> Iterator[Reading]:
        with suppress(OSError, LookupError, ValueError):  # it has ended
            times = self._text(f"{self._generator_pid}/stat").rpartition(")")[2].split()[_USER_TIME : _USER_TIME + 2]
            yield Reading(GENERATOR, "instrument_cpu_seconds", sum(map(int, times)) / _TICKS_PER_S)

    def _text(self, file: str) -> str:
        return (self._proc / file).read_text(encoding="ascii", errors="replace")

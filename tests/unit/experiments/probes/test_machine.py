"""The machine and the instrument, from files as the kernel writes them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from experiments.errors import ProbeError
from experiments.probes.machine import MachineProbe
from experiments.records.schema import METRICS

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
GENERATOR_PID = 4711


@pytest.fixture(name="proc")
def _proc(tmp_path: Path) -> Path:
    """A /proc with a machine of two processors, and a generator whose program has a name to stumble over."""
    (tmp_path / "stat").write_text("cpu  100 20 30 9000 400 5 45 700 60 0\ncpu0 1 1 1 1 1 1 1 1 1 1\nintr 1\n")
    (tmp_path / "loadavg").write_text("1.50 1.20 0.90 2/345 6789\n")
    (tmp_path / "pressure").mkdir()
    (tmp_path / "pressure/cpu").write_text(
        "some avg10=24.47 avg60=9.57 avg300=9.51 total=128459258\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
    )
    (tmp_path / str(GENERATOR_PID)).mkdir()
    fields = " ".join(["S", *(str(number) for number in range(4, 14)), "250", "50", "7", "8"])
    (tmp_path / str(GENERATOR_PID) / "stat").write_text(f"{GENERATOR_PID} (a) S (b) {fields}\n")
    return tmp_path


def _read(proc: Path) -> dict[tuple[str, str], float]:
    return {(reading.node, reading.metric): reading.value for reading in MachineProbe(GENERATOR_PID, proc).read()}


def test_machine_and_generator_are_read(proc: Path) -> None:
    """Busy is all but idle, waiting for a disk and stolen; guests are part of user already."""
    found = _read(proc)
    assert found.pop(("lab", "instrument_cpu_seconds")) > 0
    assert found == {
        ("machine", "machine_busy_seconds"): 200 / TICKS_PER_S,
        ("machine", "steal_seconds"): 700 / TICKS_PER_S,
        ("machine", "load_average"): 1.5,
        ("machine", "cpu_pressure_seconds"): pytest.approx(128.459258),
        ("generator", "instrument_cpu_seconds"): 300 / TICKS_PER_S,
    }
    assert {metric for _, metric in found} <= METRICS.keys()


def test_a_kernel_without_pressure_and_a_generator_that_has_ended_are_left_out(proc: Path) -> None:
    """The rest is read as before."""
    (proc / "pressure/cpu").unlink()
    (proc / str(GENERATOR_PID) / "stat").unlink()
    assert {metric for _, metric in _read(proc)} == {"machine_busy_seconds", "steal_seconds", "load_average", "instrument_cpu_seconds"}


def test_without_the_kernel_s_files_the_reading_fails(tmp_path: Path) -> None:
    """A platform without /proc is no reading, not a zero."""
    with pytest.raises(ProbeError, match="can't be read"):
        MachineProbe(GENERATOR_PID, tmp_path).read()


def test_this_machine_can_be_read() -> None:
    """The real files of Linux have the form that is expected."""
    read = {(reading.node, reading.metric) for reading in MachineProbe(os.getpid()).read()}
    assert {("machine", "machine_busy_seconds"), ("generator", "instrument_cpu_seconds")} <= read

"""The load generator against real sockets; here the system under test is only its peer."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import accumulate
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psutil
import pytest

from experiments.definition import Arrivals, Experiment, Operation, Phases, Treatment
from experiments.invariants.checkers import check
from experiments.invariants.history import History
from experiments.load import LoadError, LoadGenerator, LoadResult
from experiments.records.journal import read_journal
from experiments.schedule import Schedule, build
from experiments.seeding import SeededPopulation

PEER = Path(__file__).with_name("peer.py")
PARENT = Path(__file__).with_name("parent.py")
REPOSITORY = Path(__file__).resolve().parents[3]
GONE_S = 20.0
"""More than the child needs to notice, write and end, on a busy machine."""
EVERYTHING = dict.fromkeys(Operation, 1.0)


def _schedule(*, rate_per_s: float = 100.0, duration_s: float = 3.0, mix: dict[Operation, float] | None = None) -> Schedule:
    experiment = Experiment(
        name="sample",
        title="A sample",
        question="Does it arrive?",
        treatments=(Treatment(name="only", title="only"),),
        mix=EVERYTHING if mix is None else mix,
        arrivals=Arrivals(rate_per_s=rate_per_s),
        phases=Phases(warm_up_s=0, measure_s=duration_s),
        trials=1,
    )
    seeded = SeededPopulation(tuple(range(1, 101)), tuple(range(1, 1001)))
    return build(experiment, seeded, experiment.treatments[0], trial_seed=1, block=0)


@pytest.fixture(name="gateway_url")
def _gateway_url() -> Iterator[str]:
    with subprocess.Popen([sys.executable, str(PEER)], stdout=subprocess.PIPE, text=True) as peer:
        assert peer.stdout is not None
        yield f"http://127.0.0.1:{int(peer.stdout.readline())}"
        peer.terminate()


@pytest.fixture(name="silent_url")
def _silent_url() -> Iterator[str]:
    """A listener whose backlog takes connections and who never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def _ask(url: str) -> Any:
    with urlopen(url) as response:  # noqa: S310 - the peer's own address
        return json.load(response)


def _await_requests(gateway_url: str) -> None:
    """Return when the peer has got a first request; the test's own time limit bounds the wait."""
    while not _ask(f"{gateway_url}/peer/clients"):
        time.sleep(0.1)


LEAD_S = 0.3


def _start(generator: LoadGenerator) -> float:
    """Start it soon after it is ready; when, on the monotonic clock."""
    generator.launch()
    generator.await_ready()
    generator.start(epoch_s := time.monotonic() + LEAD_S)
    return epoch_s


def _generator(schedule: Schedule, gateway_url: str, folder: Path, *, resends: int = 0) -> LoadGenerator:
    return LoadGenerator(schedule, gateway_url, folder, history=folder / "history.jsonl", resends=resends)


def _history(folder: Path) -> History:
    return History(read_journal(folder / "history.jsonl").events)


def _run(schedule: Schedule, gateway_url: str, folder: Path, *, resends: int = 0) -> LoadResult:
    generator = _generator(schedule, gateway_url, folder, resends=resends)
    try:
        _start(generator)
        while not generator.finished():
            time.sleep(0.05)
        return generator.result()
    finally:
        generator.stop()


def test_every_operation_is_sent_as_the_contract_wants_it(gateway_url: str, tmp_path: Path) -> None:
    """Each row of the schedule becomes one request that the peer accepts, with its replica, cache and id recorded."""
    schedule = _schedule()
    result = _run(schedule, gateway_url, tmp_path)
    rows = result.requests.to_pylist()
    assert result.offered == len(rows) == schedule.offered
    assert [row["operation"] for row in rows] == schedule.table["operation"].to_pylist()
    assert [row["intended_s"] for row in rows] == schedule.table["intended_s"].to_pylist()
    assert {row["outcome"] for row in rows} == {"ok"}
    assert {(row["replica"], row["cache"]) for row in rows} == {("courses-1", "miss")}
    assert all(row["intended_s"] <= row["sent_s"] <= row["ended_s"] for row in rows)
    identities = [row["enrollment_id"] for row in rows if row["operation"] == Operation.ENROLL]
    assert len(set(identities)) == len(identities) > 0
    assert None not in identities


def test_the_history_has_every_operation_and_the_writers_own_reads(gateway_url: str, tmp_path: Path) -> None:
    """Each scheduled request is an operation of its row's process, and who wrote looks at what they wrote, which is not scheduled."""
    schedule = _schedule()
    result = _run(schedule, gateway_url, tmp_path)
    history = _history(tmp_path)
    scheduled = schedule.table["operation"].to_pylist()
    first = {op.process: op for op in reversed(history.ops)}
    begun_as = {Operation.REUSE_KEY: Operation.ENROLL}
    assert [first[row].f for row in range(schedule.offered)] == [begun_as.get(operation, operation) for operation in scheduled]
    refusals = {operation: 422 if operation is Operation.REUSE_KEY else 404 for operation in Operation}
    assert all(op.end is not None and (op.is_ok or op.end.http == refusals[op.f]) for op in history.ops)
    assert list(history.accepted) == sorted(history.accepted, key=lambda item: history.accepted[item].ended_s)
    assert set(history.accepted) == {row["enrollment_id"] for row in result.requests.to_pylist()} - {None}
    writes = [op for op in history.ops if op.f in (Operation.UPDATE_CAPACITY, Operation.UPDATE_STUDENT)]
    reused = [op for op in history.ops if op.f is Operation.REUSE_KEY]
    assert len(reused) == scheduled.count(Operation.REUSE_KEY) > 0
    assert len(history.ops) == schedule.offered + len(writes) + 2 * len(reused)
    own = [op for op in history.ops if scheduled[op.process] in (Operation.UPDATE_CAPACITY, Operation.UPDATE_STUDENT) and op not in writes]
    assert {(op.process, op.f) for op in own} == {
        (op.process, Operation.READ_COURSE if op.f is Operation.UPDATE_CAPACITY else Operation.READ_STUDENT) for op in writes
    }


def test_an_enrolment_of_unknown_fate_is_sent_again_with_its_key(gateway_url: str, tmp_path: Path) -> None:
    """Every first answer is lost: each request is sent twice, gets one id, and counts as what its client first met."""
    _ask(f"{gateway_url}/peer/lose")
    schedule = _schedule(duration_s=1, mix={Operation.ENROLL: 1})
    result = _run(schedule, gateway_url, tmp_path, resends=2)
    assert result.requests["outcome"].to_pylist() == ["http_error"] * schedule.offered
    history = _history(tmp_path)
    assert [[op.is_ok for op in sendings] for sendings in history.requests.values()] == [[False, True]] * schedule.offered
    assert len(history.accepted) == schedule.offered
    (record,) = [record for record in check(history) if record.name == "no_second_effect"]
    assert record.verdict == "pass"
    assert record.evidence["requests that were sent again"] == schedule.offered


def test_without_resends_an_enrolment_is_sent_once(gateway_url: str, tmp_path: Path) -> None:
    """A generator that repairs failures can't measure them."""
    _ask(f"{gateway_url}/peer/lose")
    schedule = _schedule(duration_s=0.5, mix={Operation.ENROLL: 1})
    _run(schedule, gateway_url, tmp_path)
    assert [op.end.type for op in _history(tmp_path).ops if op.end is not None] == ["unknown"] * schedule.offered


def test_a_generator_that_is_killed_leaves_its_operations(gateway_url: str, tmp_path: Path) -> None:
    """SIGKILL in mid-load: every whole line of its history can be read, and what had no end is of unknown outcome."""
    generator = _generator(_schedule(duration_s=60), gateway_url, tmp_path)
    children = set(psutil.Process().children())
    _start(generator)
    try:
        (child,) = set(psutil.Process().children()) - children
        _await_requests(gateway_url)
        child.kill()
    finally:
        generator.stop()
    ops = _history(tmp_path).ops
    assert len(ops) > 0
    assert all(op.is_possible for op in ops if op.end is None)
    with pytest.raises(LoadError, match="ended with status -9"):
        generator.result()


def test_connections_are_used_again(gateway_url: str, tmp_path: Path) -> None:
    """There are never more connections than there were requests in flight at the same time."""
    requests = _run(_schedule(), gateway_url, tmp_path).requests.to_pylist()
    # At equal times a request that ends makes room for one that is sent.
    changes = sorted([(row["sent_s"], 1) for row in requests] + [(row["ended_s"], -1) for row in requests])
    most_in_flight = max(accumulate(change for _, change in changes))
    assert _ask(f"{gateway_url}/peer/clients") <= most_in_flight


def test_a_stall_shows_in_every_request_that_was_due_in_it(gateway_url: str, tmp_path: Path) -> None:
    """While the system stands still, requests go on being sent, and none of them counts as answered before the stall's end."""
    generator = _generator(_schedule(duration_s=8, mix={Operation.READ_COURSE: 1}), gateway_url, tmp_path)
    try:
        epoch_s = _start(generator)
        _await_requests(gateway_url)
        stall = _ask(f"{gateway_url}/peer/stall")
        while not generator.finished():
            time.sleep(0.05)
        requests = generator.result().requests.to_pylist()
    finally:
        generator.stop()
    started_s, ended_s = stall["started_s"] - epoch_s, stall["ended_s"] - epoch_s
    due = [row for row in requests if started_s <= row["intended_s"] < ended_s]
    assert len(due) > 100
    assert all(row["ended_s"] >= ended_s for row in due)
    sent_meanwhile = [row for row in due if row["sent_s"] < ended_s]
    assert len(sent_meanwhile) > len(due) / 2
    assert {row["outcome"] for row in requests} == {"ok"}


def test_a_closed_connection_is_one_failure_and_no_second_delivery(tmp_path: Path) -> None:
    """A server that hangs up on every request sees each of them once, and each is recorded as a connection error."""
    deliveries = 0

    def hang_up(listener: socket.socket) -> None:
        nonlocal deliveries
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                deliveries += bool(connection.recv(65_536))

    schedule = _schedule(duration_s=1)
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        server = threading.Thread(target=hang_up, args=[listener])
        server.start()
        try:
            result = _run(schedule, f"http://127.0.0.1:{listener.getsockname()[1]}", tmp_path)
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            server.join()
    assert deliveries == schedule.offered
    assert set(result.requests["outcome"].to_pylist()) == {"connection_error"}


def test_nobody_listening_is_an_outcome_of_every_request(tmp_path: Path) -> None:
    """A refused connection is a measurement, not a failure of the generator."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    schedule = _schedule(duration_s=1)
    result = _run(schedule, f"http://127.0.0.1:{port}", tmp_path)
    assert result.requests["outcome"].to_pylist() == ["connection_error"] * schedule.offered
    assert set(result.requests["status"].to_pylist()) == {None}


def test_no_answer_is_a_timeout(silent_url: str, tmp_path: Path) -> None:
    """A gateway that accepts connections and never answers ends every request with a timeout, and the generator too."""
    schedule = _schedule(duration_s=0.5)
    result = _run(schedule, silent_url, tmp_path)
    assert result.requests["outcome"].to_pylist() == ["timeout"] * schedule.offered


def test_stop_leaves_no_process_and_keeps_what_was_measured(gateway_url: str, tmp_path: Path) -> None:
    """Stopped in mid-load, by whoever and however often, the child is gone and its requests until then are there."""
    generator = _generator(_schedule(duration_s=60), gateway_url, tmp_path)
    before = set(psutil.Process().children(recursive=True))
    _start(generator)
    _await_requests(gateway_url)
    assert not generator.finished()
    generator.stop()
    generator.stop()
    assert generator.finished()
    assert set(psutil.Process().children(recursive=True)) <= before
    result = generator.result()
    assert 0 < result.requests.num_rows < result.offered


def test_stop_before_start_does_nothing(tmp_path: Path) -> None:
    """Cleaning up what was never begun is no error."""
    generator = _generator(_schedule(), "http://127.0.0.1:9", tmp_path)
    generator.stop()
    assert not generator.finished()


def test_the_child_dies_with_its_parent(gateway_url: str, tmp_path: Path) -> None:
    """A parent that is killed can't stop its child; the child notices, keeps what it measured and ends."""
    _schedule(duration_s=60).write(tmp_path / "long.parquet")
    command = [sys.executable, str(PARENT), str(tmp_path / "long.parquet"), gateway_url, str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        _await_requests(gateway_url)
        parent.send_signal(signal.SIGKILL)
    try:
        child.wait(GONE_S)
    finally:
        with suppress(psutil.NoSuchProcess):
            child.kill()
    assert (tmp_path / "requests.parquet").is_file()


def test_a_failing_child_says_why(tmp_path: Path) -> None:
    """What the child can't do ends in one error with the last lines of its log."""
    with pytest.raises(LoadError, match=r"ended with status 1; its log .*load\.log ends with:\n(?s:.*)no-port"):
        _run(_schedule(), "http://127.0.0.1:no-port", tmp_path)


def test_a_result_needs_a_start(tmp_path: Path) -> None:
    """Asking for what was never measured is an error, not an empty measurement."""
    with pytest.raises(LoadError, match="not started"):
        _generator(_schedule(), "http://127.0.0.1:9", tmp_path).result()


def test_a_child_that_can_not_get_ready_says_why(tmp_path: Path) -> None:
    """Whoever waits for it is told what its log says."""
    generator = LoadGenerator(_schedule(), "http://127.0.0.1:9", tmp_path, history=tmp_path / "history.jsonl")
    generator.launch()
    try:
        (tmp_path / "schedule.parquet").unlink()
        with pytest.raises(LoadError, match="does not get ready"):
            generator.await_ready()
    finally:
        generator.stop()

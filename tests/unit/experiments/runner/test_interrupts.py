"""Signals as requests."""

from __future__ import annotations

import os
import signal

import pytest

from experiments.runner.interrupts import Interrupted, Interrupts


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_taken_at_the_next_look(number: signal.Signals) -> None:
    """Nothing is raised in between, and which one came is known."""
    with Interrupts() as interrupts:
        interrupts.check()
        os.kill(os.getpid(), number)
        with pytest.raises(Interrupted):
            interrupts.check()
        assert interrupts.received == number


def test_the_first_signal_is_the_one_that_counts() -> None:
    """Impatience doesn't change what happened, and is answered."""
    said: list[str] = []
    with Interrupts(said.append) as interrupts:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
    assert interrupts.received == signal.SIGINT
    assert said[1] == "already stopping; a few seconds more"


def test_what_can_undo_itself_is_interrupted_at_once() -> None:
    """The exception is raised inside, only once."""
    reached: list[str] = []

    def work(interrupts: Interrupts) -> None:
        with interrupts.at_once():
            os.kill(os.getpid(), signal.SIGINT)
            reached.append("after the signal")

    with Interrupts() as interrupts:
        with pytest.raises(Interrupted):
            work(interrupts)
        os.kill(os.getpid(), signal.SIGINT)
    assert reached == []


def test_a_second_signal_does_not_disturb_the_undoing() -> None:
    """While what was interrupted is undone, further signals only count."""
    undone: list[str] = []

    def work(interrupts: Interrupts) -> None:
        with interrupts.at_once():
            try:
                os.kill(os.getpid(), signal.SIGINT)
            finally:
                os.kill(os.getpid(), signal.SIGINT)
                undone.append("everything")

    with Interrupts() as interrupts, pytest.raises(Interrupted):
        work(interrupts)
    assert undone == ["everything"]


def test_nothing_is_begun_after_a_signal() -> None:
    """What can be interrupted at once is not even entered."""
    with Interrupts() as interrupts:
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Interrupted), interrupts.at_once():
            raise AssertionError
        with pytest.raises(Interrupted):
            interrupts.sleep(60)


def test_handlers_are_put_back() -> None:
    """What handled the signals before handles them after."""
    before = signal.getsignal(signal.SIGTERM)
    with Interrupts():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before

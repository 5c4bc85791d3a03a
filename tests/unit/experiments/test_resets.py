"""What is reset between trials."""

from __future__ import annotations

import pytest

from experiments.definition import Treatment
from experiments.resets import reset_words, restarts_replicas
from tests.fakes.bench import CALM, CRASHING, tiny

SCALED = Treatment(name="scaled", title="scaled", factors={"courses.replicas": 3})
SAME = Treatment(name="same", title="the default, said", factors={"courses.replicas": 1})


@pytest.mark.parametrize(
    ("treatments", "restarts"),
    [((CALM,), False), ((CALM, CRASHING), False), ((CALM, SAME), False), ((CALM, SCALED), True), ((CALM, CRASHING, SCALED), True)],
)
def test_replicas_are_restarted_where_topologies_differ(treatments: tuple[Treatment, ...], restarts: bool) -> None:  # noqa: FBT001 - pytest passes by position
    """Faults don't count, nor does a factor that is set to what it is anyway; the recorded words follow."""
    experiment = tiny(treatments=treatments)
    assert restarts_replicas(experiment) == restarts
    assert any("started afresh before every trial" in sentence for sentence in reset_words(experiment)) == restarts
    assert any("live through all trials" in sentence for sentence in reset_words(experiment)) != restarts

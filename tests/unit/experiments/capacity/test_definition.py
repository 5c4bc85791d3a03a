"""Capacity experiments that contradict themselves are refused in a sentence."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from experiments.catalog.hotpath import EXPERIMENT, measured
from experiments.definition import (
    CapacityExperiment,
    ColdKeyPath,
    Comparison,
    Dataset,
    Implementation,
    Quantity,
    ReadPath,
    RegistrationPath,
    changed,
    explain,
)
from experiments.errors import DefinitionError

HELLO, PRODUCT, TUTORIAL = Implementation.HELLO, Implementation.PRODUCT, Implementation.TUTORIAL
READ = ReadPath(name="read", title="read", target="/courses/{id}")


def _comparison(**changes: Any) -> Comparison:
    values: dict[str, Any] = {
        "title": "reads",
        "against": "the tutorial",
        "subject": measured("read", Quantity.THROUGHPUT_PER_S),
        "reference": measured("read", Quantity.THROUGHPUT_PER_S, TUTORIAL),
        "direction": "at_least",
        "must": 2,
        "aim": 3,
    }
    return Comparison.model_validate(values | changes)


def _experiment(**changes: Any) -> CapacityExperiment:
    values: dict[str, Any] = {"name": "own", "title": "Own", "question": "How much?", "paths": (READ,), "comparisons": (_comparison(),)}
    return CapacityExperiment.model_validate(values | changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"paths": (READ, READ)}, "paths need names of their own, got read, read"),
        (
            {"paths": (ReadPath(name="hi", title="hi", target="/", implementations=(HELLO,)),), "comparisons": ()},
            "nothing would be deployed",
        ),
        ({"paths": (READ.model_copy(update={"implementations": (HELLO, PRODUCT)}),)}, "give it a read path of its own"),
        ({"paths": (READ.model_copy(update={"implementations": (PRODUCT, PRODUCT)}),)}, "an implementation is named twice"),
        (
            {"paths": (READ, ColdKeyPath(name="cold", title="cold", keys=9)), "dataset": Dataset(courses=8)},
            "path cold: needs 9 courses and the dataset has 8",
        ),
        (
            {"paths": (READ, RegistrationPath(name="day", title="day", applicants=9)), "dataset": Dataset(students=8)},
            "path day: needs 9 students and the dataset has 8",
        ),
        ({"comparisons": (_comparison(subject=measured("gone", Quantity.REQUESTS)),)}, "names the path 'gone'; there are read"),
        ({"comparisons": (_comparison(reference=measured("read", Quantity.REQUESTS, HELLO)),)}, "read is not measured on hello"),
        ({"comparisons": (_comparison(subject=measured("read", Quantity.DECISIONS)),)}, "decisions is not measured of read"),
    ],
)
def test_a_contradiction_is_refused_by_its_name(changes: dict[str, Any], message: str) -> None:
    """The sentence says which path or comparison."""
    with pytest.raises(ValidationError) as caught:
        _experiment(**changes)
    assert message in explain(caught.value)


@pytest.mark.parametrize(("direction", "must", "aim"), [("at_least", 3, 2), ("at_most", 1, 2)])
def test_an_aim_asks_for_no_less_than_what_must_be_reached(direction: str, must: float, aim: float) -> None:
    """Bounds that were swapped are found."""
    with pytest.raises(ValidationError, match="less than the"):
        _comparison(direction=direction, must=must, aim=aim)


def test_a_bound_itself_is_good_enough() -> None:
    """Both directions include it."""
    assert _comparison().reaches(2, 2)
    assert not _comparison().reaches(1.99, 2)
    at_most = _comparison(direction="at_most", must=2, aim=1)
    assert at_most.reaches(2, 2)
    assert not at_most.reaches(2.01, 2)


def test_product_and_tutorial_differ_in_nothing_but_their_code() -> None:
    """The tutorial's ports are free ones beside those that were asked for the product."""
    asked = changed(EXPERIMENT, factors={"gateway.port": "8090", "courses.threads": "4"})
    product, tutorial = (asked.topology_of(side, cache=False) for side in (PRODUCT, TUTORIAL))
    assert (product.software.implementation, tutorial.software.implementation) == ("product", "tutorial")
    assert (product.gateway.port, tutorial.gateway.port) == (8090, 0)
    same = {"software.implementation": "product", "gateway.port": 8090, "broker.management_port": product.broker.management_port}
    assert tutorial.override(same) == product
    assert not product.cache.enabled
    assert product.courses.threads == 4


@pytest.mark.parametrize("setting", [{"cache": "off"}, {"cache.enabled": "off"}, {"software.implementation": "tutorial"}])
def test_what_it_varies_itself_can_not_be_set_from_outside(setting: dict[str, str]) -> None:
    """The sentence names the factor."""
    with pytest.raises(DefinitionError, match=r"(cache.enabled|software.implementation) is what hotpath varies"):
        changed(EXPERIMENT, factors=setting)


def test_rounds_and_seed_can_be_changed() -> None:
    """As trials and seed of any experiment."""
    asked = changed(EXPERIMENT, trials=2, seed=9)
    assert (asked.trials, asked.seed) == (2, 9)
    with pytest.raises(DefinitionError, match="trials: Input should be greater than or equal to 1"):
        changed(EXPERIMENT, trials=0)

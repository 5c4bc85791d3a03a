"""The catalog, and files of the user's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments import catalog
from experiments.definition import TRIALS_FOR_A_VERDICT, Experiment, check_faults
from experiments.errors import DefinitionError
from experiments.estimate import estimate
from experiments.plan import plan
from experiments.random_faults import faults_of
from experiments.schedule import build
from experiments.seeding import SeededPopulation
from experiments.settings import Settings

SUITE_MINUTES = 11.5
LOOKS = ("resilience", "resilience_smoke")
"""Ask whether a rule is ever broken, cell by cell, for which one trial of each is enough."""

OWN = """
from experiments.definition import Experiment, Operation, Treatment

EXPERIMENT = Experiment(
    name="own",
    title="Own",
    question="What about mine?",
    treatments=(Treatment(name="only", title="only"),),
    mix={Operation.READ_COURSE: 1},
    trials=TRIALS,
)
"""


@pytest.mark.parametrize("name", catalog.names())
def test_every_module_of_the_catalog_is_an_experiment_that_can_be_judged(name: str) -> None:
    """It is called like its module, claims or compares something, has trials enough for a verdict, and survives JSON."""
    experiment = catalog.load(name)
    assert experiment.name == name
    assert experiment.claims if isinstance(experiment, Experiment) else experiment.comparisons
    assert experiment.trials >= (1 if name in LOOKS else TRIALS_FOR_A_VERDICT)
    assert type(experiment).model_validate_json(experiment.model_dump_json()) == experiment


@pytest.mark.parametrize("name", catalog.names())
def test_every_trial_of_the_catalog_has_a_load_and_faults_that_can_be_carried_out(name: str) -> None:
    """There are students enough for all its trials and repeats, and what is left to chance is drawn."""
    experiment = catalog.load(name)
    if not isinstance(experiment, Experiment):
        return
    data = experiment.dataset
    seeded = SeededPopulation(course_ids=tuple(range(1, data.courses + 1)), student_ids=tuple(range(1, data.students + 1)))
    for trial in (plan(experiment)[0], plan(experiment)[-1]):
        treatment = experiment.treatment(trial.treatment)
        for attempt in range(1, 2 + Settings().repeats):
            schedule = build(experiment, seeded, treatment, trial_seed=trial.seed, block=trial.position, attempt=attempt)
            assert schedule.offered > 0
        check_faults(faults_of(experiment, treatment, trial.seed), experiment.topology_of(treatment), experiment.phases.total_s)


def test_the_quick_suite_is_quick() -> None:
    """All three experiments together are planned for less than the time that was promised."""
    assert estimate(catalog.load_all(catalog.QUICK_SUITE)).minutes < SUITE_MINUTES


@pytest.mark.parametrize(("name", "minutes"), [("resilience", 32), ("resilience_smoke", 3.1)])
def test_the_matrix_is_planned_for_what_it_may_take(name: str, minutes: float) -> None:
    """Half an hour for the whole of it, three minutes for a look."""
    assert estimate([catalog.load(name)]).minutes < minutes


def test_an_experiment_named_twice_is_run_once() -> None:
    """Names keep the order of their first mention."""
    assert [item.name for item in catalog.load_all(["failover", "cache", "failover"])] == ["failover", "cache"]


def test_a_typing_error_is_met_with_the_right_name() -> None:
    """An unknown experiment's error suggests the nearest one."""
    with pytest.raises(DefinitionError, match="did you mean failover"):
        catalog.load("failovr")


def test_a_file_of_the_users_own_works_like_the_catalog(tmp_path: Path) -> None:
    """Its constant is the experiment."""
    path = tmp_path / "own.py"
    path.write_text(OWN.replace("TRIALS,", "3,"))
    assert catalog.load_file(path).name == "own"


def test_an_experiment_as_json_is_one_too(tmp_path: Path) -> None:
    """Of either kind."""
    for name in ("chaos", "hotpath"):
        path = tmp_path / f"{name}.json"
        path.write_text(catalog.load(name).model_dump_json())
        assert catalog.load_file(path) == catalog.load(name)


@pytest.mark.parametrize(
    ("text", "message"), [("{", "own.json: is not JSON"), ('{"kind": "capacity"}', "own.json: name: Field required"), ("[]", "own.json: ")]
)
def test_wrong_json_is_refused_in_a_line(tmp_path: Path, text: str, message: str) -> None:
    """The sentence says which file and which key."""
    path = tmp_path / "own.json"
    path.write_text(text)
    with pytest.raises(DefinitionError, match=message) as caught:
        catalog.load_file(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (OWN, r"own\.py:10: NameError: name 'TRIALS' is not defined"),
        (OWN.replace("TRIALS,", "0,"), r"own\.py:4: trials: Input should be greater than or equal to 1"),
        ("EXPERIMENT = (\n", r"own\.py:1: '\(' was never closed"),
        ("import nowhere\n", r"own\.py:1: ModuleNotFoundError: No module named 'nowhere'"),
        ("experiment = 1\n", r"own\.py: defines no EXPERIMENT"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line_with_its_number(tmp_path: Path, text: str, message: str) -> None:
    """The sentence says where and what, whatever is wrong."""
    path = tmp_path / "own.py"
    path.write_text(text)
    with pytest.raises(DefinitionError, match=message) as caught:
        catalog.load_file(path)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """So is a path that is no Python file."""
    with pytest.raises(DefinitionError, match="there is no such file"):
        catalog.load_file(tmp_path / "gone.py")
    (tmp_path / "own.toml").write_text("")
    with pytest.raises(DefinitionError, match="is not a Python file"):
        catalog.load_file(tmp_path / "own.toml")

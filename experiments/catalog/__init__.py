"""What is asked: one typed module per experiment, each with an ``EXPERIMENT``; a user's own file works the same."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import json
import pkgutil
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from pydantic import ValidationError

from experiments.definition import AnyExperiment, CapacityExperiment, Experiment, explain
from experiments.errors import DefinitionError

CONSTANT = "EXPERIMENT"
"""Name of the one constant that a module of the catalog, or a user's file, must have."""
QUICK_SUITE = ("cache", "scaling", "failover")
"""What is run when nothing is named."""


def names() -> tuple[str, ...]:
    """The names of the catalog: the quick suite first, in its order, then the others."""
    found = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return (*QUICK_SUITE, *(name for name in found if name not in QUICK_SUITE))


def load(name: str) -> AnyExperiment:
    """The experiment of the catalog with that name.

    Raises:
        DefinitionError: there is none, or its module is wrong.
    """
    known = names()
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
        raise DefinitionError(f"there is no experiment {name!r} in the catalog; {hint} (a file of your own: --file PATH)")
    return _constant(importlib.import_module(f"{__name__}.{name}"), f"experiments/catalog/{name}.py")


def load_all(wanted: Iterable[str]) -> tuple[AnyExperiment, ...]:
    """The experiments named, each once, in the order of their first mention.

    Raises:
        DefinitionError: one does not exist.
    """
    return tuple(load(name) for name in dict.fromkeys(wanted))


def load_file(path: Path) -> AnyExperiment:
    """The experiment that a user's own Python file defines, or that stands in a JSON file, as shrinking writes it.

    Raises:
        DefinitionError: the file is not there, can't be imported, or defines no valid experiment; the sentence names the line.
    """
    if not path.is_file():
        raise DefinitionError(f"{path}: there is no such file; --file takes a Python file with an {CONSTANT}, or an experiment as JSON")
    if path.suffix == ".json":
        return _from_json(path)
    spec = importlib.util.spec_from_file_location(f"spirelab_user_{path.stem}", path.resolve())
    if spec is None or spec.loader is None:
        raise DefinitionError(f"{path}: is not a Python file; its name must end in .py, or in .json for an experiment as JSON")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except ValidationError as error:
        raise DefinitionError(f"{path}:{_line(error, path)}: {explain(error)}") from None
    except SyntaxError as error:
        raise DefinitionError(f"{path}:{error.lineno}: {error.msg}") from None
    except Exception as error:  # noqa: BLE001 - whatever a user's file raises is the user's to mend
        raise DefinitionError(f"{path}:{_line(error, path)}: {type(error).__name__}: {error}") from None
    return _constant(module, str(path))


def _from_json(path: Path) -> AnyExperiment:
    try:
        values = json.loads(path.read_bytes())
        is_capacity = isinstance(values, dict) and values.get("kind") == "capacity"
        return (CapacityExperiment if is_capacity else Experiment).model_validate(values)
    except ValidationError as error:
        raise DefinitionError(f"{path}: {explain(error)}") from None
    except ValueError as error:
        raise DefinitionError(f"{path}: is not JSON ({error})") from None


def _constant(module: ModuleType, where: str) -> AnyExperiment:
    experiment = getattr(module, CONSTANT, None)
    if not isinstance(experiment, Experiment | CapacityExperiment):
        raise DefinitionError(f"{where}: defines no {CONSTANT} = Experiment(...); see experiments/catalog/cache.py for one")
    return experiment


def _line(error: BaseException, path: Path) -> int:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path.resolve())]
    return (lines[-1] if lines else None) or 1

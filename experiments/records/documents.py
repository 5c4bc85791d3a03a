"""JSON documents of a run directory: written whole or not at all, validated when read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from experiments.definition import explain
from experiments.errors import RecordError

_Model = TypeVar("_Model", bound=BaseModel)


def write_json(path: Path, record: BaseModel) -> None:
    """Write a record, whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")
    partial.replace(path)


def read_json(path: Path) -> Any:
    """Read a JSON file into plain values.

    Raises:
        RecordError: it is missing, or no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RecordError(f"{path}: missing; the run directory is incomplete") from None
    except (OSError, ValueError, RecursionError) as error:
        raise RecordError(f"{path}: not readable as JSON ({error}); restore it or delete the run") from None


def validated(path: Path, model: type[_Model], values: Any) -> _Model:
    """The values of the file ``path`` as a record.

    Raises:
        RecordError: they are no such record; names the key.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise RecordError(f"{path}: {explain(error)}") from None

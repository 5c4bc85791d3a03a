"""The habits of CONTRIBUTING.md that a few lines can hold."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("app", "infra", "experiments", "reports")
LONGEST_MODULE = 320
LONGEST_DOOR = 40


def _modules(*rooms: str) -> list[Path]:
    return [path for room in rooms for path in sorted((ROOT / room).rglob("*.py"))]


def _imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


@pytest.mark.parametrize("path", _modules(*ROOMS), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_stays_small_enough_to_read(path: Path) -> None:
    """A module has one job and fits in a reader's head."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE


@pytest.mark.parametrize(
    "path", [path for path in _modules(*ROOMS) if path.name == "__main__.py"], ids=lambda path: str(path.relative_to(ROOT))
)
def test_a_door_holds_no_logic(path: Path) -> None:
    """A __main__ only opens the room."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_DOOR


def test_locust_is_imported_by_the_workloads_only() -> None:
    """Importing locust patches the process, so only the load generator's own process does it."""
    users = {
        path.relative_to(ROOT) for path in _modules(*ROOMS) if any(re.match(r"(locust|gevent)(\.|$)", name) for name in _imported(path))
    }
    assert users
    assert all(path.is_relative_to("experiments/workloads") for path in users)


def test_fastapi_stays_at_the_edge_of_the_services() -> None:
    """Services and repositories know nothing of HTTP: FastAPI is for endpoints, main and the kit."""
    users = [path for path in _modules("app") if any(re.match(r"(fastapi|starlette)(\.|$)", name) for name in _imported(path))]
    assert users
    assert not [path for path in users if path.parent.name != "kit" and path.name not in {"endpoints.py", "main.py"}]


def test_sql_is_written_in_repositories_only() -> None:
    """Statements live in repository modules, so that a reader finds all SQL of a service in one place."""
    statement = re.compile(r"""["'(\s](SELECT|INSERT INTO|UPDATE|DELETE FROM)\s+[a-z_*]+\b""")
    builders = {"select", "insert", "update", "delete", "text"}
    offenders = []
    for path in _modules("app"):
        if path.name.startswith("repository") or path.parent.name == "kit":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        calls = {
            alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("sqlalchemy", "sqlmodel"))
            for alias in node.names
        }
        if calls & builders or statement.search(path.read_text(encoding="utf-8")):
            offenders.append(str(path.relative_to(ROOT)))
    assert offenders == []


SQL_WORDS = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|FROM|WHERE|VALUES|ORDER BY|LIMIT)\b")


def _built_sql(tree: ast.AST) -> list[int]:
    """The lines on which a statement is put together from strings, or ``text`` is given anything but a literal."""
    lines = []
    for node in (found for found in ast.walk(tree) if isinstance(found, ast.expr)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "text":
            built = not all(isinstance(argument, ast.Constant) for argument in node.args)
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in {"format", "format_map", "join", "replace"}
        ):
            built = _says_sql(node.func.value)
        else:
            built = isinstance(node, ast.JoinedStr | ast.BinOp) and _says_sql(node)
        if built:
            lines.append(node.lineno)
    return lines


def _says_sql(node: ast.AST) -> bool:
    return any(isinstance(part, ast.Constant) and isinstance(part.value, str) and SQL_WORDS.search(part.value) for part in ast.walk(node))


def test_sql_is_never_put_together_from_strings() -> None:
    """Values reach the database as parameters only: no statement is made by an f-string, %, +, format or join."""
    trees = {path.relative_to(ROOT): ast.parse(path.read_text(encoding="utf-8")) for path in _modules("app")}
    assert {str(path): lines for path, tree in trees.items() if (lines := _built_sql(tree))} == {}
    assert sum(_says_sql(tree) for tree in trees.values()) >= 3


@pytest.mark.parametrize(
    "source",
    [
        "f'SELECT * FROM courses WHERE code = {code}'",
        "'SELECT * FROM courses WHERE code = ' + code",
        "'SELECT * FROM courses WHERE code = %s' % code",
        "'SELECT * FROM courses WHERE code = {}'.format(code)",
        "' WHERE '.join(parts)",
        "text(statement)",
    ],
)
def test_a_statement_that_is_put_together_is_noticed(source: str) -> None:
    """Each way to build a string from values counts."""
    assert _built_sql(ast.parse(source)) == [1]


def test_the_environment_is_read_by_settings_only() -> None:
    """Configuration has one typed place a package; what a child process is given is written, not read, elsewhere."""
    reading = re.compile(r"os\.(environ\.get|environ\[|getenv)")
    readers = [str(path.relative_to(ROOT)) for path in _modules(*ROOMS) if reading.search(path.read_text(encoding="utf-8"))]
    assert readers == []


def test_the_lock_file_pins_with_hashes_and_names_no_host() -> None:
    """The lock file installs the same bytes from any index."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text
    blocks = re.findall(r"^[a-z0-9][^\n]*==[^\n]*\\\n(?:\s+--hash=sha256:[0-9a-f]{64}[^\n]*\n)+", text, flags=re.MULTILINE)
    assert len(blocks) == len(re.findall(r"^[a-z0-9][a-z0-9._-]*==", text, flags=re.MULTILINE)) > 50

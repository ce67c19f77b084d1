"""What a machine can check of the house style, so that no person has to review it."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted(path for package in ("schemas", "processors", "streams") for path in (ROOT / package).rglob("*.py"))
BANNED_NAMES = {"utils.py", "helpers.py", "common.py", "misc.py", "util.py", "helper.py"}
SHARED_NAMES = {
    "__init__.py",
    "settings.py",
    "impressions.py",
    "interactions.py",
    "outcomes.py",
    "stream_ends.py",
    "learner.py",
}
SHARED_NAMES |= {"evidence.py", "forgetting.py"}
"""Names that still stand for more than one file: none is to be added."""
FILE_LINES_MAX = 300
FUNCTION_LINES_MAX = 60


def functions_of(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_one_idea_that_says_what_it_is(path: Path) -> None:
    source = path.read_text()
    assert path.name not in BANNED_NAMES, "name the file after its one idea"
    assert ast.get_docstring(ast.parse(source)), "the first line answers: what is this?"
    assert len(source.splitlines()) <= FILE_LINES_MAX, "split it: one idea, one file"
    for function in functions_of(path):
        length = (function.end_lineno or function.lineno) - function.lineno + 1
        assert length <= FUNCTION_LINES_MAX, f"{function.name} has {length} lines"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_importing_a_module_does_nothing(path: Path) -> None:
    for node in ast.parse(path.read_text()).body:
        assert not isinstance(node, ast.For | ast.While | ast.With | ast.Global), f"line {node.lineno}"


def test_a_file_name_says_which() -> None:
    counts = Counter(path.name for path in SOURCES)
    shared = {name for name, count in counts.items() if count > 1}
    assert shared <= SHARED_NAMES, "two files have one name: say in it what each is of"

"""Machine code is kept under a name that changes with every source it may have been made of."""

import ast
from pathlib import Path

import pytest

import processors
from processors.compiled import SHARED, sources_digest

PACKAGE = Path(processors.__file__).parent
NUMBERS = {"int", "bool", "float", "None", "Index", "np.uint64", "Places"}


def package(folder: Path, source: str) -> Path:
    folder.mkdir()
    (folder / "module.py").write_text(source)
    return folder


def test_another_source_of_the_package_is_another_digest(tmp_path: Path) -> None:
    one, same, other = (package(tmp_path / name, name[:1]) for name in ("a1", "a2", "b"))
    assert sources_digest(one) == sources_digest(same) != sources_digest(other)


def test_what_all_may_call_is_part_of_every_digest() -> None:
    assert all(folder.parent.name == "processors" for folder in SHARED)
    assert "wire" in {folder.name for folder in SHARED}


def borrowers() -> list[ast.FunctionDef]:
    """All functions that only borrow arrays."""
    nodes = (node for path in sorted(PACKAGE.rglob("*.py")) for node in ast.walk(ast.parse(path.read_text())))
    functions = (node for node in nodes if isinstance(node, ast.FunctionDef))
    return [one for one in functions if {"borrowing", "fused"} & set(map(ast.unparse, one.decorator_list))]


@pytest.mark.parametrize("function", borrowers(), ids=lambda function: function.name)
def test_what_borrows_arrays_gives_numbers_back(function: ast.FunctionDef) -> None:
    assert function.returns
    given = ast.unparse(function.returns).removeprefix("tuple[").removesuffix("]")
    assert set(given.split(", ")) <= NUMBERS

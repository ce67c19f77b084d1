"""What only borrows arrays of its caller gives none back."""

import ast
from pathlib import Path

import pytest

import processors

PACKAGE = Path(processors.__file__).parent
NUMBERS = {"int", "bool", "float", "None", "Index", "Address", "Offset", "Place", "np.uint64", "Places"}


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

"""Machine code is named after the sources that it is made of: all of them, and no others."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

from processors.machine_code.closure import closure_digest, reached
from processors.machine_code.numba_core import types
from streams.compiling.compile_stages import ALL

CALLER = """
from collections import namedtuple
import numpy as np
from processors.compiled import compiled, fused
LIMIT = 3
TABLE = np.arange(4)
Pair = namedtuple("Pair", "first second")

@fused
def inner(x):
    return x + LIMIT

@compiled
def entry(x):
    return inner(x) * TABLE[1]

@compiled
def other(x):
    return x - 1
"""


@pytest.fixture
def modules(tmp_path: Path) -> Iterator[list[ModuleType]]:
    made: list[ModuleType] = []
    yield made
    for module in made:
        sys.modules.pop(module.__name__, None)


def load(folder: Path, source: str) -> ModuleType:
    folder.mkdir(parents=True)
    path = folder / "made_for_a_test.py"
    path.write_text(source)
    spec = importlib.util.spec_from_file_location("made_for_a_test", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def digest(folder: Path, source: str, function: str = "entry") -> str:
    return closure_digest(getattr(load(folder, source), function).py_func)


def test_neither_the_path_nor_comments_nor_what_is_not_called_matter(tmp_path: Path) -> None:
    before = digest(tmp_path / "a", CALLER)
    assert digest(tmp_path / "elsewhere" / "deep", CALLER) == before
    assert digest(tmp_path / "b", "# a word\n" + CALLER) == before
    assert digest(tmp_path / "c", CALLER.replace("x - 1", "x - 2")) == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("x + LIMIT", "x - LIMIT"),
        ("LIMIT = 3", "LIMIT = 4"),
        ("np.arange(4)", "np.arange(4) * 2"),
        ("inner(x) *", "1 + inner(x) *"),
    ],
)
def test_whatever_it_is_made_of_matters(tmp_path: Path, old: str, new: str) -> None:
    assert digest(tmp_path / "a", CALLER) != digest(tmp_path / "b", CALLER.replace(old, new))


def test_two_instructions_that_change_their_names_matter() -> None:
    from processors.wire import loads

    source = "from processors.wire import loads\ndef one(a):\n    return put_two(a, 0, 1)\n"
    spaces = [{"put_two": loads.put_two}, {"put_two": loads.put_four}]
    digests = set()
    for space in spaces:
        exec(source, space)
        digests.add(closure_digest(space["one"]))
    assert len(digests) == 2


def entries() -> list[str]:
    return sorted({entry for stage in ALL for entry in stage.entries})


@pytest.mark.parametrize("entry", entries())
def test_no_compiled_function_names_what_has_no_digest(entry: str) -> None:
    module, _, name = entry.rpartition(".")
    function = getattr(importlib.import_module(module), name).py_func
    assert len(closure_digest(function)) == 24
    assert all(isinstance(one, FunctionType) for one in reached(function))


def test_the_order_of_a_named_tuples_fields_is_part_of_its_type() -> None:
    from collections import namedtuple

    from processors.machine_code.keeping import described_type

    two = [namedtuple("Pair", fields)(1, 2) for fields in ("first second", "second first")]  # noqa: PYI024
    told = {described_type(types.NamedTuple((types.int64, types.int64), type(one))) for one in two}
    assert len(told) == 2


CLOSED = """
from processors.compiled import compiled, fused

def made(step):
    @fused
    def inner(x):
        return x + step

    @compiled
    def entry(x):
        return inner(x)

    return entry

entry = made(1)
"""


@pytest.mark.parametrize(("before", "after"), [("x + step", "x - step"), ("made(1)", "made(2)")])
def test_a_compiled_function_in_a_closure_counts(tmp_path: Path, before: str, after: str) -> None:
    changed = CLOSED.replace(before, after)
    assert digest(tmp_path / "one", CLOSED) == digest(tmp_path / "same", CLOSED)
    assert digest(tmp_path / "one again", CLOSED) != digest(tmp_path / "other", changed)

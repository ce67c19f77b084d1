"""How much there is to compile; `shelfwise bench compile` measures how long it takes."""

import importlib
from collections import Counter
from types import FunctionType

from processors.machine_code.closure import reached
from streams.compiling.compile_stages import ALL
from tests.compiling.template_process import Printed

FUNCTIONS_MAX = 330
"""Raise it only with the CPU seconds of `shelfwise bench compile` before and after: the budget is 60."""

VERSIONS = """
import json
from processors.machine_code.keeping import watch
from streams.compiling.compile_stages import ALL
met = []
watch(lambda what, entry: met.append(entry) if what in {"loaded", "compiling"} else None)
for stage in ALL:
    stage.run()
print(json.dumps(met))
"""


def entry_named(name: str) -> FunctionType:
    module, function = name.rsplit(".", 1)
    found: FunctionType = getattr(importlib.import_module(module), function).py_func
    return found


def test_the_number_of_compiled_functions_stays_within_the_budget() -> None:
    entries = {name for stage in ALL for name in stage.entries}
    functions = {one for name in entries for one in reached(entry_named(name))}
    assert 200 < len(functions) <= FUNCTIONS_MAX


def test_an_entry_is_compiled_for_one_set_of_types(printed: Printed) -> None:
    met = printed(VERSIONS)
    assert isinstance(met, list)
    assert {entry: count for entry, count in Counter(met).items() if count > 1} == {}

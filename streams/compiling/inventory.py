"""Inventory of compiled functions: which are missing from the cache, and the amount of work."""

import importlib
from collections.abc import Iterable
from functools import cache
from types import FunctionType

from processors.machine_code.closure import reached
from processors.machine_code.keeping import is_kept
from processors.warm_up.stages import Stage


def missing_entries(stages: Iterable[Stage]) -> list[str]:
    """Compiled functions of these stages that are not in the cache."""
    return [entry for entry in dict.fromkeys(one for stage in stages for one in stage.entries) if not _is_kept(entry)]


def work_of(entries: Iterable[str]) -> int:
    """Amount of work in bytes of bytecode, which is roughly proportional to time."""
    return sum(_work(entry) for entry in entries)


def _is_kept(entry: str) -> bool:
    return is_kept(_function(entry))


@cache
def _work(entry: str) -> int:
    return sum(len(function.__code__.co_code) for function in reached(_function(entry)))


@cache
def _function(entry: str) -> FunctionType:
    module, _, name = entry.rpartition(".")
    function: FunctionType = getattr(importlib.import_module(module), name).py_func
    return function

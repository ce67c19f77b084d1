"""The sources of a compiled function: its own, and those of everything it reaches.

Machine code is named by their digest. It is computed from bytecode, so neither paths, nor comments, nor changes of
functions that are not called lead to recompilation.
"""

from collections.abc import Callable, Iterator
from enum import Enum
from functools import cache
from hashlib import blake2b
from types import CodeType, FunctionType, ModuleType
from typing import Any, NewType

import numpy as np


@cache
def closure_digest(function: FunctionType) -> str:
    """Digest of everything that the function consists of."""
    digest = blake2b(digest_size=12)
    for part in sorted(f"{_name(one)} {_described_function(one)} {_described_names(one)}" for one in reached(function)):
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()


def reached(function: FunctionType) -> list[FunctionType]:
    """The function and everything it calls."""
    found: dict[FunctionType, None] = {}
    waiting = [function]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found[one] = None
            waiting += [called for _, value in _named(one) if (called := _function_in(value)) is not None]
    return list(found)


def _described_names(function: FunctionType) -> list[str]:
    """The meaning of each name: functions of the same name differ by their code or closure."""
    meanings = []
    for name, value in _named(function):
        called = _function_in(value)
        meanings.append(f"{name} {described(value) if called is None else _described_function(called)}")
    return meanings


def _described_function(function: FunctionType) -> str:
    cells = [described(cell.cell_contents) for cell in function.__closure__ or ()]
    return f"{_described_code(function.__code__)} {cells} {function.__defaults__!r}"


def described(value: Any) -> str:
    """Description of a constant for compiled code, equal in all processes.

    >>> described(1.5), described((1, "a")), described(np.zeros)
    ('1.5', "(1, 'a')", 'numpy.zeros')
    >>> described(object())
    Traceback (most recent call last):
    ...
    TypeError: compiled code names a value of type object, of which no digest can be taken
    """
    for kinds, describe in _DESCRIPTIONS:
        if isinstance(value, kinds):
            return describe(value)
    if callable(value):
        return f"{getattr(value, '__module__', '')}.{value.__name__}"
    raise TypeError(f"compiled code names a value of type {type(value).__name__}, of which no digest can be taken")


_DESCRIPTIONS: tuple[tuple[Any, Callable[[Any], str]], ...] = (
    (tuple, lambda value: f"({', '.join(map(described, value))})"),
    (frozenset, lambda value: repr(sorted(map(described, value)))),
    ((type(None), int, float, complex, str, bytes, Enum, np.generic, np.dtype), repr),
    (np.ndarray, lambda value: f"{value.dtype} {value.shape} {value.tobytes().hex()}"),
    (type, lambda value: f"{value.__module__}.{value.__qualname__} {getattr(value, '_fields', '')}"),
    ((ModuleType, NewType), lambda value: str(value.__name__)),
)


def _function_in(value: Any) -> FunctionType | None:
    """Our function behind a name: compiled, or an intrinsic that we add to numba."""
    inside = getattr(value, "py_func", None) or getattr(value, "_defn", None) or value
    ours = isinstance(inside, FunctionType) and inside.__module__.split(".")[0] not in {"numpy", "numba", "math"}
    return inside if ours else None


def _named(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """The global names in a function and those of its closure, and their values."""
    yield from zip(
        function.__code__.co_freevars, (cell.cell_contents for cell in function.__closure__ or ()), strict=True
    )
    names = sorted(set(_names(function.__code__)))
    for name in names:
        value = function.__globals__.get(name, function)
        if isinstance(value, ModuleType) and _is_ours(value):
            yield from ((inside, vars(value)[inside]) for inside in names if inside in vars(value))
        elif value is not function:
            yield name, value


def _is_ours(module: ModuleType) -> bool:
    return module.__name__.split(".")[0] in {"schemas", "processors", "streams"}


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _described_code(code: CodeType) -> str:
    constants = [_described_code(one) if isinstance(one, CodeType) else described(one) for one in _constants(code)]
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    return f"{code.co_code.hex()} {constants} {names} {code.co_exceptiontable.hex()}"


def _constants(code: CodeType) -> tuple[Any, ...]:
    """The constants of code, without its docstring."""
    has_text = bool(code.co_consts) and isinstance(code.co_consts[0], str) and code.co_flags & 0x2
    return ("", *code.co_consts[1:]) if has_text else code.co_consts


def _name(function: FunctionType) -> str:
    return f"{function.__module__}.{function.__qualname__}"

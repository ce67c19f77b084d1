"""Rebinds global names in a library's function, so that a subclass can replace the classes it instantiates."""

from collections.abc import Callable
from types import FunctionType
from typing import Any, cast

Method = Callable[..., Any]


def renamed(method: Method, **names: Any) -> Method:
    """A copy of a function with some global names rebound.

    Raises AttributeError if the function does not use one of them, because it has changed then.

    >>> def total(numbers): return sum(numbers)
    >>> renamed(total, sum=max)([1, 2])
    2
    >>> renamed(total, product=max)
    Traceback (most recent call last):
    AttributeError: total does not name product
    """
    function = cast("FunctionType", method)
    if missing := names.keys() - set(function.__code__.co_names):
        raise AttributeError(f"{function.__name__} does not name {', '.join(sorted(missing))}")
    made = FunctionType(
        function.__code__, {**function.__globals__, **names}, function.__name__, function.__defaults__, None
    )
    made.__kwdefaults__ = function.__kwdefaults__
    return made

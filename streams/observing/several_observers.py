"""Several observers as one."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from streams.exactly_once.observer import Observer

EVENTS = tuple(name for name in vars(Observer) if not name.startswith("_"))
"""Names of an observer's methods."""


class Together(Observer):
    """Calls several observers in order.

    >>> class Telling(Observer):
    ...     def revoked(self, task, partition): print(task, partition)
    >>> Together(Telling(), Observer(), Telling()).revoked("cards", 3)
    cards 3
    cards 3
    """

    def __init__(self, *observers: Observer) -> None:
        for name in EVENTS:
            setattr(self, name, partial(_tell, [getattr(observer, name) for observer in observers]))


def _tell(listening: Sequence[Callable[..., None]], *args: Any, **kwargs: Any) -> None:
    for hear in listening:
        hear(*args, **kwargs)

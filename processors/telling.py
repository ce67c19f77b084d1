"""How long work says how far it has come, to whoever may be watching."""

from typing import Protocol


class Tell(Protocol):
    """Called as work goes on: what is being counted, how many by now, and of how many where that is known."""

    def __call__(self, what: str, done: float, total: float | None = None, /) -> None:
        """Say how far it has come."""
        ...


def nobody(_what: str, _done: float, _total: float | None = None) -> None:
    """Nobody watches."""

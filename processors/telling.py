"""The interface of progress reports of long work."""

from typing import Protocol


class Tell(Protocol):
    """Called during work: what is counted, the number so far, and the total if it is known."""

    def __call__(self, what: str, done: float, total: float | None = None, /) -> None:
        """Report progress."""
        ...


def nobody(_what: str, _done: float, _total: float | None = None) -> None:
    """Ignore progress."""

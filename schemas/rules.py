"""Rules between the fields of a message, as data.

A message checks its `rules` when it is created (`obey`); compiled readers derive the same checks from the same list
(`processors.wire.program_writer`). Bounds of a single field belong in its type, not here.
"""

import operator
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from msgspec import Struct
from typing_extensions import override

SUM_TOLERANCE = 1e-6


class Rule(Struct, frozen=True):
    """A condition between fields of a message."""

    def holds(self, message: Any) -> bool:
        """Whether the message satisfies the rule."""
        raise NotImplementedError

    def says(self, message: Any) -> str:
        """Error text for a message that does not."""
        raise NotImplementedError


class SameLength(Rule, frozen=True):
    """Lists have the same length.

    >>> SameLength("cards", "scores").says(None)
    'cards and scores differ in length'
    """

    first: str
    second: str

    @override
    def holds(self, message: Any) -> bool:
        return len(getattr(message, self.first)) == len(getattr(message, self.second))

    @override
    def says(self, message: Any) -> str:
        return f"{self.first} and {self.second} differ in length"


class NoneOrSameLength(Rule, frozen=True):
    """The second list is empty, or as long as the first.

    >>> NoneOrSameLength("cards", "notes").says(None)
    'cards and notes differ in length'
    """

    first: str
    second: str

    @override
    def holds(self, message: Any) -> bool:
        return len(getattr(message, self.second)) in {0, len(getattr(message, self.first))}

    @override
    def says(self, message: Any) -> str:
        return f"{self.first} and {self.second} differ in length"


class AscendingPlaces(Rule, frozen=True):
    """Strictly ascending indexes of another list."""

    name: str
    of: str

    @override
    def holds(self, message: Any) -> bool:
        places, count = getattr(message, self.name), len(getattr(message, self.of))
        return not places or (
            places[0] >= 0 and places[-1] < count and all(low < high for low, high in pairwise(places))
        )

    @override
    def says(self, message: Any) -> str:
        places, count = getattr(message, self.name), len(getattr(message, self.of))
        if max(places) < count:
            return f"{self.name} is not strictly ascending"
        return f"{self.name} names place {max(places)} of {count} {self.of}"


class Places(Rule, frozen=True):
    """Indexes of another list, in any order."""

    name: str
    of: str

    @override
    def holds(self, message: Any) -> bool:
        return max(getattr(message, self.name), default=-1) < len(getattr(message, self.of))

    @override
    def says(self, message: Any) -> str:
        last, count = max(getattr(message, self.name)), len(getattr(message, self.of))
        return f"{self.name} names place {last} of {count} {self.of}"


class Distinct(Rule, frozen=True):
    """A list of texts has no duplicates."""

    name: str

    @override
    def holds(self, message: Any) -> bool:
        values = getattr(message, self.name)
        return len(set(values)) == len(values)

    @override
    def says(self, message: Any) -> str:
        return f"{self.name} has a duplicate"


class NotAbove(Rule, frozen=True):
    """A number, or each of a list, is at most another.

    >>> NotAbove("started_ms", "event_ms").says(None)
    'started_ms is above event_ms'
    """

    low: str
    high: str

    @override
    def holds(self, message: Any) -> bool:
        low, high = getattr(message, self.low), getattr(message, self.high)
        return all(map(operator.le, low, high)) if isinstance(low, tuple) else bool(low <= high)

    @override
    def says(self, message: Any) -> str:
        return f"{self.low} is above {self.high}"


class ZeroUnless(Rule, frozen=True):
    """A number, or each of a list, is zero where another is."""

    name: str
    other: str

    @override
    def holds(self, message: Any) -> bool:
        values, others = getattr(message, self.name), getattr(message, self.other)
        return all(map(_zero_unless, values, others)) if isinstance(values, tuple) else _zero_unless(values, others)

    @override
    def says(self, message: Any) -> str:
        return f"{self.name} is above zero where {self.other} is zero"


class SumsToOne(Rule, frozen=True):
    """A list of shares, or each of a list of such lists, is empty or sums to one."""

    name: str

    @override
    def holds(self, message: Any) -> bool:
        return all(abs(total - 1.0) <= SUM_TOLERANCE for total in self._sums(message))

    @override
    def says(self, message: Any) -> str:
        wrong = next(total for total in self._sums(message) if not abs(total - 1.0) <= SUM_TOLERANCE)
        return f"{self.name} sum to {wrong:g}, not to one"

    def _sums(self, message: Any) -> Iterable[float]:
        shares: Sequence[Any] = getattr(message, self.name)
        is_nested = bool(shares) and isinstance(shares[0], tuple)
        return map(sum, filter(None, shares if is_nested else (shares,)))


Rules = tuple[Rule, ...]


def obey(message: Any) -> None:
    """Raise `ValueError` if a message violates one of its rules."""
    for rule in message.rules:
        if not rule.holds(message):
            raise ValueError(rule.says(message))


def _zero_unless(value: int, other: int) -> bool:
    return value == 0 or other != 0

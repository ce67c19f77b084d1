"""Field types that every message shares, so that a name means the same range everywhere."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta

IDENTIFIER_MAX = 256
Identifier = Annotated[str, Meta(min_length=1, max_length=IDENTIFIER_MAX)]
"""A user, card, shelf or event as its owner names it: opaque, not empty, at most 256 characters."""

EVENT_MS_MAX = 253_402_300_799_999
EventMs = Annotated[int, Meta(ge=0, le=EVENT_MS_MAX)]
"""Event time in integer milliseconds since 1970 (UTC), up to the end of the year 9999."""

EVENT_AHEAD_MAX_MS = 3_600_000
"""An event from further ahead of the clock of the broker or the worker is set aside: its sender's clock is broken."""

DURATION_MS_MAX = 31 * 24 * 3_600_000
DurationMs = Annotated[int, Meta(ge=0, le=DURATION_MS_MAX)]
"""A length of time in milliseconds; more than 31 days in one piece is a broken clock."""

Count = Annotated[int, Meta(ge=0)]
Probability = Annotated[float, Meta(ge=0.0, le=1.0)]
Propensity = Annotated[float, Meta(gt=0.0, le=1.0)]
"""The probability with which the logged choice was made: never zero, for it was made."""

Weights = tuple[Probability, ...]
"""A soft group: one probability a group, together one (or empty, where nothing is known yet)."""


def refuse_unless(condition: bool, what: str) -> None:
    """Raise `ValueError` for a message that would state something impossible.

    >>> refuse_unless(True, "fine")
    >>> refuse_unless(False, "played_ms is negative")
    Traceback (most recent call last):
    ValueError: played_ms is negative
    """
    if not condition:
        raise ValueError(what)


def refuse_unless_identifiers(**names: str) -> None:
    """Raise `ValueError` where an identifier is empty or longer than 256 characters.

    >>> refuse_unless_identifiers(user_id="u1")
    >>> refuse_unless_identifiers(user_id="")
    Traceback (most recent call last):
    ValueError: user_id has 0 characters: an identifier has 1 to 256
    """
    for name, value in names.items():
        if not 1 <= len(value) <= 256:
            raise ValueError(f"{name} has {len(value)} characters: an identifier has 1 to 256")


def refuse_unless_shaped(rows: int, columns: int, **matrices: Sequence[Sequence[float]]) -> None:
    """Raise `ValueError` where a matrix is not `rows` x `columns`.

    >>> refuse_unless_shaped(1, 2, mean=((0.0, 1.0),))
    >>> refuse_unless_shaped(2, 2, mean=((0.0, 1.0),))
    Traceback (most recent call last):
    ValueError: mean is not 2 x 2
    """
    for name, matrix in matrices.items():
        right = len(matrix) == rows and all(len(row) == columns for row in matrix)
        refuse_unless(right, f"{name} is not {rows} x {columns}")


def refuse_unless_weights(weights: Weights, name: str) -> None:
    """Raise `ValueError` where a soft group neither is empty nor sums to one within 1e-6.

    >>> refuse_unless_weights((0.25, 0.75), "user_weights")
    >>> refuse_unless_weights((0.25, 0.25), "user_weights")
    Traceback (most recent call last):
    ValueError: user_weights sum to 0.5, not to one
    """
    if weights and not abs(sum(weights) - 1.0) <= 1e-6:
        raise ValueError(f"{name} sum to {sum(weights):g}, not to one")

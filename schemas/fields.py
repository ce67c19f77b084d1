"""Field types shared by all messages, so that a name has the same range everywhere."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta

IDENTIFIER_MAX = 256
Identifier = Annotated[str, Meta(min_length=1, max_length=IDENTIFIER_MAX)]
"""Id of a user, card, shelf or event, chosen by its owner: opaque, 1 to 256 characters."""

EVENT_MS_MAX = 253_402_300_799_999
EventMs = Annotated[int, Meta(ge=0, le=EVENT_MS_MAX)]
"""Event time in integer milliseconds since 1970 (UTC), up to the end of the year 9999."""

EVENT_AHEAD_MAX_MS = 3_600_000
"""Maximum lead of an event over the clock of the broker or the worker; beyond it the sender's clock is broken."""

DURATION_MS_MAX = 31 * 24 * 3_600_000
DurationMs = Annotated[int, Meta(ge=0, le=DURATION_MS_MAX)]
"""A duration in milliseconds, at most 31 days; a longer one means a broken clock."""

Count = Annotated[int, Meta(ge=0)]
Probability = Annotated[float, Meta(ge=0.0, le=1.0)]
Propensity = Annotated[float, Meta(gt=0.0, le=1.0)]
"""Probability of the logged choice; never zero, because the choice was made."""

LogPropensity = Annotated[float, Meta(le=0.0)]
"""Natural logarithm of the probability of a whole order, which may be too small for a number of nine decimals."""

Weights = tuple[Probability, ...]
"""A soft group: one probability per group, summing to one; empty if unknown."""


def refuse_unless(condition: bool, what: str) -> None:
    """Raise `ValueError` with this text if a message states something impossible.

    >>> refuse_unless(True, "fine")
    >>> refuse_unless(False, "played_ms is negative")
    Traceback (most recent call last):
    ValueError: played_ms is negative
    """
    if not condition:
        raise ValueError(what)


def refuse_unless_identifiers(**names: str) -> None:
    """Raise `ValueError` if an identifier is empty or longer than 256 characters.

    >>> refuse_unless_identifiers(user_id="u1")
    >>> refuse_unless_identifiers(user_id="")
    Traceback (most recent call last):
    ValueError: user_id has 0 characters: an identifier has 1 to 256
    """
    for name, value in names.items():
        if not 1 <= len(value) <= 256:
            raise ValueError(f"{name} has {len(value)} characters: an identifier has 1 to 256")


def refuse_unless_shaped(rows: int, columns: int, **matrices: Sequence[Sequence[float]]) -> None:
    """Raise `ValueError` if a matrix is not `rows` x `columns`.

    >>> refuse_unless_shaped(1, 2, mean=((0.0, 1.0),))
    >>> refuse_unless_shaped(2, 2, mean=((0.0, 1.0),))
    Traceback (most recent call last):
    ValueError: mean is not 2 x 2
    """
    for name, matrix in matrices.items():
        right = len(matrix) == rows and all(len(row) == columns for row in matrix)
        refuse_unless(right, f"{name} is not {rows} x {columns}")


def refuse_unless_weights(weights: Weights, name: str) -> None:
    """Raise `ValueError` if a soft group is neither empty nor sums to one within 1e-6.

    >>> refuse_unless_weights((0.25, 0.75), "user_weights")
    >>> refuse_unless_weights((0.25, 0.25), "user_weights")
    Traceback (most recent call last):
    ValueError: user_weights sum to 0.5, not to one
    """
    if weights and not abs(sum(weights) - 1.0) <= 1e-6:
        raise ValueError(f"{name} sum to {sum(weights):g}, not to one")

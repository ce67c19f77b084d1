"""Interactions from bytes to columns; each record contains many."""

from collections.abc import Sequence
from typing import NamedTuple

from processors.arrays import IntArray
from processors.wire.batch import Slow, Values
from processors.wire.reader import Reader, Shredded
from schemas.interactions import Interactions


class InteractionColumns(NamedTuple):
    """Interactions [e] in the order of their records; a span [start, end) contains a string as JSON writes it."""

    data: IntArray  # uint8, what spans point into
    event_ms: IntArray  # [e]
    played_ms: IntArray  # [e]
    organic: IntArray  # [e], 0 or 1
    event_id: IntArray  # [e, 2]
    user_id: IntArray  # [e, 2]
    card_id: IntArray  # [e, 2]


_ELEMENTS = tuple(f"{name}[]" for name in InteractionColumns._fields[1:])
_READER = Reader(Interactions, keep=_ELEMENTS)


def read_interactions(values: Values, slow: Slow) -> InteractionColumns:
    """Columns of the interactions in these records."""
    return _columns(_READER.read_unkeyed(values, slow))


def interactions_of(messages: Sequence[Interactions]) -> InteractionColumns:
    """Columns of these messages.

    >>> from schemas.interactions import Interaction
    >>> one = Interaction(event_id="s1", user_id="u1", card_id="c1", event_ms=7, played_ms=1000)
    >>> interactions_of([Interactions.of("listeners/0", [one, one])]).played_ms
    array([1000, 1000])
    """
    return _columns(_READER.read_messages(messages))


def _columns(shredded: Shredded) -> InteractionColumns:
    return InteractionColumns(shredded.data, *map(shredded.values_of, _ELEMENTS))
